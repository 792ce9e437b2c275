/** Queries about private accounts, for callers without a `Reader`. They bypass its caches. */
import { sql } from "drizzle-orm";
import { queryByIds } from "./by-ids.ts";
import type { PersonId } from "../ids.ts";
import { databaseOf } from "./shards.ts";
import { textOf } from "./sql.ts";
import { closedPeople } from "../tables/closings.ts";
import { following, people } from "../tables/people.ts";

/** Returns whether a person is private or has closed their account; false for an unknown person. Costs one D1 query. */
export async function isPrivate(env: Env, person: PersonId): Promise<boolean> {
  const row = await databaseOf(env, person).first<{ isPrivate: 0 | 1 }>(IS_PRIVATE, person);
  return row?.isPrivate === 1;
}

const IS_PRIVATE = textOf(sql`
  SELECT ${people.private} AS "isPrivate" FROM ${people} WHERE ${people.id} = ?1
  UNION ALL SELECT 1 FROM ${closedPeople} WHERE ${closedPeople.person} = ?1`);

/** Returns those of `people` who are private. Costs one D1 query per database. */
export async function privateAmong(env: Env, people: Iterable<PersonId>): Promise<Set<PersonId>> {
  const rows = await queryByIds<{ id: PersonId }>(env, people, PRIVATE_AMONG);
  return new Set(rows.map(({ id }) => id));
}

const PRIVATE_AMONG = textOf(sql`
  SELECT ${people.id} FROM ${people}
  WHERE ${people.id} IN (SELECT value FROM json_each(?1)) AND ${people.private} = 1`);

/** Returns the followers of `followee` among `people`, without open requests. Costs one D1 query per database. */
export async function followersAmong(env: Env, followee: PersonId, people: Iterable<PersonId>): Promise<Set<PersonId>> {
  const rows = await queryByIds<Pick<typeof following.$inferSelect, "follower">>(
    env,
    people,
    FOLLOWERS_AMONG,
    followee,
  );
  return new Set(rows.map(({ follower }) => follower));
}

const FOLLOWERS_AMONG = textOf(sql`
  SELECT ${following.follower} FROM ${following}
  WHERE ${following.follower} IN (SELECT value FROM json_each(?1))
  AND ${following.followee} = ?2 AND ${following.active} = 1`);
