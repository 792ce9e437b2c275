import { type Signal } from "@preact/signals";
import { useRoute } from "preact-iso";
import { useEffect, useMemo } from "preact/hooks";
import type { Profile } from "../../schema/api/people.ts";
import { api } from "../api.ts";
import { BlockButton } from "../components/block-button.tsx";
import { FollowButton } from "../components/follow-button.tsx";
import { Monogram, nameOf } from "../components/monogram.tsx";
import { Paged } from "../components/paged.tsx";
import { PostTile } from "../components/post-tile.tsx";
import { Prose } from "../components/prose.tsx";
import { Empty, Failure, GridSkeleton } from "../components/states.tsx";
import { learnFollows } from "../follows.ts";
import { postsOf } from "../lists.ts";
import { useLoad } from "../load.ts";
import { me } from "../session.ts";
import { useTitle } from "../title.ts";
import { count } from "../words.ts";
import { NotFoundPage } from "./not-found.tsx";

export function ProfilePage() {
  const handle = useRoute().params["handle"] ?? "";
  // A new one for somebody else, so that nothing of the last profile stays.
  return <ProfileOf key={handle} handle={handle} />;
}

function ProfileOf({ handle }: { handle: string }) {
  const { value, problem, reload } = useLoad(`${handle} ${me.value?.id}`, () => api.profile(handle));
  const profile = value.value;
  // A new one after an unblock: the one that was held has been read without the posts.
  const list = useMemo(() => postsOf(handle), [handle, profile?.blockedByMe]);
  useTitle(profile ? nameOf(profile) : `@${handle}`);
  useEffect(() => {
    if (profile) learnFollows([profile.handle], profile.followedByMe);
  }, [profile]);

  if (problem.value?.code === "person_not_found" || problem.value?.code === "invalid_request") {
    return <NotFoundPage what="person" />;
  }
  if (problem.value) return <Failure problem={problem.value} retry={reload} />;
  return (
    <div class="profile">
      {profile ? <Head profile={profile} held={value} reload={reload} /> : <div class="profile-head bone bone-head" />}
      <h2 class="unseen">Photographs</h2>
      {profile?.blockedByMe ? (
        <Empty icon="people" title={`You have blocked ${nameOf(profile)}`}>
          <p>Neither of you sees the other’s photographs and comments.</p>
        </Empty>
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

type HeadProps = { profile: Profile; held: Signal<Profile | undefined>; reload: () => void };

function Head({ profile, held, reload }: HeadProps) {
  const { handle, bio, posts, followers, following, blockedByMe } = profile;
  const mine = me.value?.handle === handle;
  const counted = (followed: boolean) => {
    if (held.value) held.value = { ...held.value, followers: held.value.followers + (followed ? 1 : -1) };
  };
  return (
    <header class="profile-head">
      <Monogram person={profile} size="large" />
      <div class="profile-names">
        <h1>{nameOf(profile)}</h1>
        <p class="soft">@{handle}</p>
      </div>
      <div class="profile-action">
        {mine ? (
          <a class="button" href="/settings">
            Edit profile
          </a>
        ) : (
          <>
            {!blockedByMe && <FollowButton person={profile} onChange={counted} />}
            {me.value && <BlockButton person={profile} blocked={blockedByMe} onChange={reload} />}
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
          <a href={`/people/${handle}/followers`}>
            <b>{count(followers)}</b> {followers === 1 ? "follower" : "followers"}
          </a>
        </li>
        <li>
          <a href={`/people/${handle}/following`}>
            <b>{count(following)}</b> following
          </a>
        </li>
      </ul>
    </header>
  );
}

const NoPosts = ({ mine }: { mine: boolean }) => (
  <Empty icon="picture" title="No photographs yet">
    {mine ? (
      <p class="buttons">
        <a class="button button-main" href="/new">
          Post your first one
        </a>
      </p>
    ) : (
      <p>Follow them, and the first one appears in your feed.</p>
    )}
  </Empty>
);
