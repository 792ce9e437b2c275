import { useMemo } from "preact/hooks";
import { AnswerButtons } from "../components/answer-buttons.tsx";
import { Paged } from "../components/paged.tsx";
import { PersonRow } from "../components/person-row.tsx";
import { Empty, RowsSkeleton } from "../components/states.tsx";
import { requests } from "../lists.ts";
import { useTitle } from "../title.ts";

const none = (
  <Empty icon="people" title="Nobody is waiting">
    <p>While your account is private, who wants to follow you asks here first.</p>
  </Empty>
);

export function RequestsPage() {
  useTitle("Follow requests");
  // Held, because an answer forgets the lists.
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
                <AnswerButtons person={person} onAnswer={() => list.drop(person.id)} />
              </PersonRow>
            ))}
          </ul>
        )}
      </Paged>
    </div>
  );
}
