import { useRoute } from "preact-iso";
import { useMemo } from "preact/hooks";
import type { PersonCard } from "../../schema/api/people.ts";
import { Paged } from "../components/paged.tsx";
import { PersonRow } from "../components/person-row.tsx";
import { Empty, RowsSkeleton } from "../components/states.tsx";
import type { List } from "../list.ts";
import { followersOf, followingOf } from "../lists.ts";
import { useTitle } from "../title.ts";

export const FollowersPage = () => <Follows title="Followers" listOf={followersOf} none="Nobody follows them yet." />;

export const FollowingPage = () => (
  <Follows title="Following" listOf={followingOf} none="They do not follow anybody yet." />
);

type Props = { title: string; listOf: (handle: string) => List<PersonCard>; none: string };

function Follows({ title, listOf, none }: Props) {
  const handle = useRoute().params["handle"] ?? "";
  const list = useMemo(() => listOf(handle), [listOf, handle]);
  useTitle(`${title} of @${handle}`);
  return (
    <div class="column">
      <a class="back" href={`/people/${handle}`}>
        @{handle}
      </a>
      <h1>{title}</h1>
      <Paged list={list} waiting={<RowsSkeleton />} empty={<Empty icon="people" title={none} />}>
        {(people) => (
          <ul class="rows">
            {people.map((person) => (
              <PersonRow key={person.id} person={person} />
            ))}
          </ul>
        )}
      </Paged>
    </div>
  );
}
