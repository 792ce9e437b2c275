import { useMemo } from "preact/hooks";
import { Paged } from "../components/common/paged.tsx";
import { Empty, RowsSkeleton } from "../components/common/states.tsx";
import { useTitle } from "../components/frame/title.ts";
import { DecisionButtons } from "../components/people/decision-buttons.tsx";
import { PersonRow } from "../components/people/person-row.tsx";
import { requests } from "../state/lists.ts";

const none = (
  <Empty icon="people" title="No follow requests">
    <p>While your account is private, requests to follow you show up here.</p>
  </Empty>
);

export function RequestsPage() {
  useTitle("Follow requests");
  // Memoized, because each decision clears the cached lists.
  const list = useMemo(requests, []);
  return (
    <div class="column">
      <a class="back" href="/notifications">
        Notifications
      </a>
      <h1>Follow requests</h1>
      <Paged list={list} waiting={<RowsSkeleton />} empty={none}>
        {(people) => (
          <ul class="rows">
            {people.map((person) => (
              <PersonRow key={person.id} person={person}>
                <DecisionButtons person={person} onDecision={() => list.drop(person.id)} />
              </PersonRow>
            ))}
          </ul>
        )}
      </Paged>
    </div>
  );
}
