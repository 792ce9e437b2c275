/** Who is private, and for whom not: for who asks without a reader's tiers. */
import { queryByIds } from "./by-ids.ts";
import type { PersonId } from "../ids.ts";
import { databaseOf } from "./shards.ts";

/** One D1 query, of one row. */
export async function isPrivate(env: Env, person: PersonId): Promise<boolean> {
  const row = await databaseOf(env, person)
    .prepare("SELECT private FROM people WHERE id = ?")
    .bind(person)
    .first<{ private: 0 | 1 }>();
  return row?.private === 1;
}

/** Those of `people` whom `followee` has for followers. A request is no follow. One D1 query a database. */
export async function followersAmong(env: Env, followee: PersonId, people: Iterable<PersonId>): Promise<Set<PersonId>> {
  const rows = await queryByIds<{ follower: PersonId }>(env, people, FOLLOWERS_AMONG, followee);
  return new Set(rows.map(({ follower }) => follower));
}

const FOLLOWERS_AMONG = `
  SELECT follower FROM following
  WHERE follower IN (SELECT value FROM json_each(?1)) AND followee = ?2 AND active = 1`;
