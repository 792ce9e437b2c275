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

const nobody = (
  <Empty icon="heart" title="Nobody yet">
    <p>The first like could be yours.</p>
  </Empty>
);

export function LikersPage() {
  const id = useRoute().params["id"] ?? "";
  // Held, because a follow forgets the lists and this one should not jump under the finger.
  const list = useMemo(() => likersOf(id), [id]);
  const handle = me.value?.handle;
  useTitle("Likes");
  useEffect(() => {
    if (handle !== undefined) void readFollows(handle);
  }, [handle]);

  if (isUnknownPost(id, list.problem.value)) return <NotFoundPage what="post" />;
  return (
    <div class="column">
      <a class="back" href={`/posts/${id}`}>
        The post
      </a>
      <h1>Likes</h1>
      <Paged list={list} waiting={<RowsSkeleton />} empty={nobody}>
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
