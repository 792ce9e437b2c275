import { useEffect, useMemo } from "preact/hooks";
import { FollowButton } from "../components/follow-button.tsx";
import { Paged } from "../components/paged.tsx";
import { PersonRow } from "../components/person-row.tsx";
import { Empty, RowsSkeleton } from "../components/states.tsx";
import { readFollows } from "../follows.ts";
import { people } from "../lists.ts";
import { me } from "../session.ts";
import { useTitle } from "../title.ts";

const nobody = (
  <Empty icon="people" title="Nobody else is here yet">
    <p>Ask somebody whose pictures you would like to see to join.</p>
  </Empty>
);

export function PeoplePage() {
  useTitle("Find people");
  // Held, because a follow forgets the lists and this one should not jump under the finger.
  const list = useMemo(people, []);
  const handle = me.value?.handle;
  useEffect(() => {
    if (handle !== undefined) void readFollows(handle);
  }, [handle]);

  return (
    <div class="column">
      <h1>Find people</h1>
      <p class="lead">Everybody who is here, newest first. Follow some of them to fill your feed.</p>
      <Paged list={list} waiting={<RowsSkeleton />} empty={nobody}>
        {(people) => (
          <ul class="rows">
            {people
              .filter((person) => person.handle !== handle)
              .map((person) => (
                <PersonRow key={person.id} person={person}>
                  <FollowButton person={person} />
                </PersonRow>
              ))}
          </ul>
        )}
      </Paged>
    </div>
  );
}
