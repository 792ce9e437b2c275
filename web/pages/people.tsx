import { useEffect, useMemo } from "preact/hooks";
import { Paged } from "../components/common/paged.tsx";
import { Empty, RowsSkeleton } from "../components/common/states.tsx";
import { useTitle } from "../components/frame/title.ts";
import { FollowButton } from "../components/people/follow-button.tsx";
import { PersonRow } from "../components/people/person-row.tsx";
import { readFollows } from "../state/follows.ts";
import { people } from "../state/lists.ts";
import { me } from "../state/session.ts";

const nobody = (
  <Empty icon="people" title="You’re the first one here">
    <p>Invite people whose photos you would like to see.</p>
  </Empty>
);

export function PeoplePage() {
  useTitle("Find people");
  // Memoized: a follow clears the cached lists, and this one must not jump while the viewer taps through it.
  const list = useMemo(people, []);
  const handle = me.value?.handle;
  useEffect(() => {
    if (handle !== undefined) void readFollows(handle);
  }, [handle]);

  return (
    <div class="column">
      <h1>Find people</h1>
      <p class="lead">Everyone on Shutterline, newest first. Follow people to fill your feed.</p>
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
