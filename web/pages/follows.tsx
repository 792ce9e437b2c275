import { useRoute } from "preact-iso";
import { useMemo } from "preact/hooks";
import type { PersonCard } from "../../schema/api/people.ts";
import { Paged } from "../components/common/paged.tsx";
import { Empty, RowsSkeleton } from "../components/common/states.tsx";
import { useTitle } from "../components/frame/title.ts";
import { PersonRow } from "../components/people/person-row.tsx";
import { RemoveFollower } from "../components/people/remove-follower.tsx";
import type { List } from "../state/list.ts";
import { followersOf, followingOf } from "../state/lists.ts";
import { me, setMe } from "../state/session.ts";

export const FollowersPage = () => (
  <Follows title="Followers" listOf={followersOf} none="No followers yet" isFollowers />
);

export const FollowingPage = () => <Follows title="Following" listOf={followingOf} none="Not following anyone yet" />;

type Props = {
  title: string;
  listOf: (handle: string) => List<PersonCard>;
  none: string;
  /** Whether these are followers: on their own list, the viewer can remove them. */
  isFollowers?: boolean;
};

function Follows({ title, listOf, none, isFollowers = false }: Props) {
  const handle = useRoute().params["handle"] ?? "";
  const list = useMemo(() => listOf(handle), [listOf, handle]);
  const isMine = isFollowers && me.value?.handle === handle;
  const forget = ({ id }: PersonCard) => {
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
                {isMine && <RemoveFollower person={person} onRemove={() => forget(person)} />}
              </PersonRow>
            ))}
          </ul>
        )}
      </Paged>
    </div>
  );
}
