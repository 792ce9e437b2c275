/** Queries about private accounts, for callers without a `Reader`. They bypass its caches. */
import { sql } from "drizzle-orm";
import { queryByIds } from "./by-ids.ts";
import type { PersonId } from "../ids.ts";
import { databaseOf } from "./shards.ts";
import { textOf } from "./sql.ts";
import { closedPeople } from "../tables/closings.ts";
import { following, people } from "../tables/people.ts";

/** Whether a person is private or has closed their account, and whether a moderator has closed it. */
export type Seclusion = { isPrivate: boolean; isBarred: boolean };

/** Returns from whom a person's posts are hidden; from nobody for an unknown person. Costs one D1 query. */
export async function seclusionOf(env: Env, person: PersonId): Promise<Seclusion> {
  const row = await databaseOf(env, person).first<{ isPrivate: 0 | 1; isBarred: 0 | 1 }>(SECLUSION, person);
  return { isPrivate: row?.isPrivate === 1, isBarred: row?.isBarred === 1 };
}

const SECLUSION = textOf(sql`
  SELECT ${people.private} AS "isPrivate", ${people.barred} AS "isBarred" FROM ${people} WHERE ${people.id} = ?1
  UNION ALL SELECT 1, 0 FROM ${closedPeople} WHERE ${closedPeople.person} = ?1`);

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
