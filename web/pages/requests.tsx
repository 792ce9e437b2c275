import { useMemo } from "preact/hooks";
import { DecisionButtons } from "../components/answer-buttons.tsx";
import { Paged } from "../components/paged.tsx";
import { PersonRow } from "../components/person-row.tsx";
import { Empty, RowsSkeleton } from "../components/states.tsx";
import { requests } from "../lists.ts";
import { useTitle } from "../title.ts";

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
