import { useRoute } from "preact-iso";
import { useEffect, useMemo } from "preact/hooks";
import { Paged } from "../components/common/paged.tsx";
import { Empty, RowsSkeleton } from "../components/common/states.tsx";
import { useTitle } from "../components/frame/title.ts";
import { FollowButton } from "../components/people/follow-button.tsx";
import { PersonRow } from "../components/people/person-row.tsx";
import { readFollows } from "../state/follows.ts";
import { likersOf } from "../state/lists.ts";
import { me } from "../state/session.ts";
import { isUnknownPost, NotFoundPage } from "./not-found.tsx";

const noLikes = (
  <Empty icon="heart" title="No likes yet">
    <p>Be the first to like this post.</p>
  </Empty>
);

export function LikersPage() {
  const id = useRoute().params["id"] ?? "";
  // Memoized: a follow clears the cached lists, and this one must not jump while the viewer taps through it.
  const list = useMemo(() => likersOf(id), [id]);
  const handle = me.value?.handle;
  useTitle("Likes");
  useEffect(() => {
    if (handle !== undefined) void readFollows(handle);
  }, [handle]);

  if (isUnknownPost(id, list.problem.value)) return <NotFoundPage what="Post" />;
  return (
    <div class="column">
      <a class="back" href={`/posts/${id}`}>
        Back to post
      </a>
      <h1>Likes</h1>
      <Paged list={list} waiting={<RowsSkeleton />} empty={noLikes}>
        {(people) => (
          <ul class="rows">
            {people.map((person) => (
              <PersonRow key={person.id} person={person}>
                {person.handle !== handle && <FollowButton person={person} />}
              </PersonRow>
            ))}
          </ul>
        )}
      </Paged>
    </div>
  );
}
