import { useRoute } from "preact-iso";
import { useMemo } from "preact/hooks";
import type { PersonCard } from "../../schema/api/people.ts";
import { Paged } from "../components/paged.tsx";
import { PersonRow } from "../components/person-row.tsx";
import { RemoveFollower } from "../components/remove-follower.tsx";
import { Empty, RowsSkeleton } from "../components/states.tsx";
import type { List } from "../list.ts";
import { followersOf, followingOf } from "../lists.ts";
import { me, setMe } from "../session.ts";
import { useTitle } from "../title.ts";

export const FollowersPage = () => (
  <Follows title="Followers" listOf={followersOf} none="Nobody follows them yet." isOfFollowers />
);

export const FollowingPage = () => (
  <Follows title="Following" listOf={followingOf} none="They do not follow anybody yet." />
);

type Props = {
  title: string;
  listOf: (handle: string) => List<PersonCard>;
  none: string;
  /** One's own may be removed. */
  isOfFollowers?: boolean;
};

function Follows({ title, listOf, none, isOfFollowers = false }: Props) {
  const handle = useRoute().params["handle"] ?? "";
  const list = useMemo(() => listOf(handle), [listOf, handle]);
  const isMine = isOfFollowers && me.value?.handle === handle;
  const removed = ({ id }: PersonCard) => {
    list.drop(id);
    if (me.value) setMe({ followers: me.value.followers - 1 });
  };
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
              <PersonRow key={person.id} person={person}>
                {isMine && <RemoveFollower person={person} onRemove={() => removed(person)} />}
              </PersonRow>
            ))}
          </ul>
        )}
      </Paged>
    </div>
  );
}
