import { useRoute } from "preact-iso";
import { useEffect, useMemo } from "preact/hooks";
import { FollowButton } from "../components/follow-button.tsx";
import { Paged } from "../components/paged.tsx";
import { PersonRow } from "../components/person-row.tsx";
import { Empty, RowsSkeleton } from "../components/states.tsx";
import { readFollows } from "../follows.ts";
import { likersOf } from "../lists.ts";
import { me } from "../session.ts";
import { useTitle } from "../title.ts";
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
