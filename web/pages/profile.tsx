import { type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLocation, useRoute } from "preact-iso";
import { useEffect, useMemo } from "preact/hooks";
import type { Profile } from "../../schema/api/people.ts";
import { api } from "../api/api.ts";
import { useLoad } from "../api/load.ts";
import { Icon } from "../components/common/icon.tsx";
import { Paged } from "../components/common/paged.tsx";
import { Prose } from "../components/common/prose.tsx";
import { Empty, Failure, GridSkeleton } from "../components/common/states.tsx";
import { useTitle } from "../components/frame/title.ts";
import { BellButton } from "../components/people/bell-button.tsx";
import { FollowButton } from "../components/people/follow-button.tsx";
import { Portrait } from "../components/people/portrait.tsx";
import { PersonMenu } from "../components/people/person-menu.tsx";
import { UndoButton } from "../components/people/undo-button.tsx";
import { PostTile } from "../components/posts/post-tile.tsx";
import { block } from "../state/blocks.ts";
import { followState, setFollowStates, stateOf } from "../state/follows.ts";
import { postsOf } from "../state/lists.ts";
import { mute } from "../state/mutes.ts";
import { me } from "../state/session.ts";
import { count } from "../words/counts.ts";
import { nameOf } from "../words/names.ts";
import { NotFoundPage } from "./not-found.tsx";

export function ProfilePage() {
  const handle = useRoute().params["handle"] ?? "";
  // Keyed, so that nothing of the last profile carries over to the next person.
  return <ProfileOf key={handle} handle={handle} />;
}

function ProfileOf({ handle }: { handle: string }) {
  const { value, problem, reload } = useLoad(`${handle} ${me.value?.id}`, () => api.profile(handle));
  const profile = value.value;
  const isHidden = profile !== undefined && isHiddenFromMe(profile);
  // Replaced after an unblock or an accepted request: the old list was read without the posts.
  const list = useMemo(() => postsOf(handle), [handle, profile?.blockedByMe, isHidden]);
  useTitle(profile ? nameOf(profile) : `@${handle}`);
  useEffect(() => {
    if (profile) setFollowStates([profile.handle], stateOf(profile));
  }, [profile]);

  const { route } = useLocation();
  const current = profile?.handle ?? handle;
  useEffect(() => {
    if (current !== handle) route(`/people/${current}`, true); // They have changed their handle.
  }, [current, handle, route]);

  if (problem.value?.code === "person_not_found" || problem.value?.code === "invalid_request") {
    return <NotFoundPage what="Person" />;
  }
  if (problem.value) return <Failure problem={problem.value} retry={reload} />;
  return (
    <div class="profile">
      {profile ? (
        <Head profile={profile} loaded={value} reload={reload} />
      ) : (
        <div class="profile-head bone bone-head" />
      )}
      <h2 class="unseen">Posts</h2>
      {profile?.blockedByMe ? (
        <Empty icon="people" title={`You blocked ${nameOf(profile)}`}>
          <p>You can’t see each other’s posts and comments.</p>
        </Empty>
      ) : isHidden ? (
        <Private profile={profile} />
      ) : (
        <Paged list={list} waiting={<GridSkeleton />} empty={<NoPosts mine={me.value?.handle === handle} />}>
          {(posts) => (
            <ul class="grid">
              {posts.map((post, place) => (
                <PostTile key={post.peek().id} post={post} eager={place < 3} />
              ))}
            </ul>
          )}
        </Paged>
      )}
    </div>
  );
}

const isHiddenFromMe = (profile: Profile): boolean =>
  profile.private &&
  me.value?.handle !== profile.handle &&
  followState(profile.handle, stateOf(profile)) !== "followed";

const Private = ({ profile }: { profile: Profile }) => (
  <Empty icon="lock" title="This account is private">
    {followState(profile.handle) === "requested" ? (
      <p>You asked to follow {nameOf(profile)}. You’ll see their posts once they accept.</p>
    ) : (
      <p>Request to follow {nameOf(profile)} to see their posts.</p>
    )}
  </Empty>
);

type HeadProps = { profile: Profile; loaded: Signal<Profile | undefined>; reload: () => void };

function Head({ profile, loaded, reload }: HeadProps) {
  const { handle, bio, posts, followers, following, blockedByMe, mutedByMe } = profile;
  const mine = me.value?.handle === handle;
  const change = (changed: Partial<Profile>) => {
    if (loaded.value) loaded.value = { ...loaded.value, ...changed };
  };
  const unmute = async () => {
    if (await mute(profile, false)) change({ mutedByMe: false });
  };
  const unblock = async () => {
    if (await block(handle, false)) reload();
  };
  return (
    <header class="profile-head">
      <Portrait person={profile} size="large" />
      <div class="profile-names">
        <h1>{nameOf(profile)}</h1>
        <p class="soft profile-handle">
          @{handle}
          {profile.private && (
            <span class="mark">
              <Icon name="lock" />
              Private
            </span>
          )}
        </p>
      </div>
      <div class="profile-action">
        {mine ? (
          <a class="button" href="/settings">
            Edit profile
          </a>
        ) : (
          <>
            {!blockedByMe && (
              <FollowButton
                person={profile}
                isPrivate={profile.private}
                onChange={(now, before) =>
                  change({
                    followers: followers + Number(now === "followed") - Number(before === "followed"),
                    followedByMe: now === "followed",
                    requestedByMe: now === "requested",
                    bellByMe: false,
                  })
                }
              />
            )}
            {followState(handle) === "followed" && (
              <BellButton profile={profile} onChange={(bellByMe) => change({ bellByMe })} />
            )}
            {blockedByMe && <UndoButton person={profile} action="Unblock" undo={unblock} />}
            {!blockedByMe && mutedByMe && <UndoButton person={profile} action="Unmute" undo={unmute} />}
            {!blockedByMe && me.value && (
              <PersonMenu person={profile} onMute={(mutedByMe) => change({ mutedByMe })} onBlock={reload} />
            )}
          </>
        )}
      </div>
      {bio && (
        <p class="prose profile-bio">
          <Prose text={bio} />
        </p>
      )}
      <ul class="counts">
        <li>
          <b>{count(posts)}</b> {posts === 1 ? "post" : "posts"}
        </li>
        <li>
          <List href={`/people/${handle}/followers`} isHidden={isHiddenFromMe(profile)}>
            <b>{count(followers)}</b> {followers === 1 ? "follower" : "followers"}
          </List>
        </li>
        <li>
          <List href={`/people/${handle}/following`} isHidden={isHiddenFromMe(profile)}>
            <b>{count(following)}</b> following
          </List>
        </li>
      </ul>
    </header>
  );
}

type ListProps = { href: string; isHidden: boolean; children: ComponentChildren };

const List = ({ href, isHidden, children }: ListProps) => (isHidden ? <>{children}</> : <a href={href}>{children}</a>);

const NoPosts = ({ mine }: { mine: boolean }) => (
  <Empty icon="picture" title="No posts yet">
    {mine ? (
      <p class="buttons">
        <a class="button button-main" href="/new">
          Share your first photo
        </a>
      </p>
    ) : (
      <p>Follow them to see their first post in your feed.</p>
    )}
  </Empty>
);
