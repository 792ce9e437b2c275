/** Queries about private accounts, for callers without a `Reader`. They bypass its caches. */
import { queryByIds } from "./by-ids.ts";
import type { PersonId } from "../ids.ts";
import { databaseOf } from "./shards.ts";

/** Returns whether a person is private; false for an unknown person. Costs one D1 query of one row. */
export async function isPrivate(env: Env, person: PersonId): Promise<boolean> {
  const row = await databaseOf(env, person)
    .prepare("SELECT private FROM people WHERE id = ?")
    .bind(person)
    .first<{ private: 0 | 1 }>();
  return row?.private === 1;
}

/** Returns the followers of `followee` among `people`, without open requests. Costs one D1 query per database. */
export async function followersAmong(env: Env, followee: PersonId, people: Iterable<PersonId>): Promise<Set<PersonId>> {
  const rows = await queryByIds<{ follower: PersonId }>(env, people, FOLLOWERS_AMONG, followee);
  return new Set(rows.map(({ follower }) => follower));
}

const FOLLOWERS_AMONG = `
  SELECT follower FROM following
  WHERE follower IN (SELECT value FROM json_each(?1)) AND followee = ?2 AND active = 1`;
