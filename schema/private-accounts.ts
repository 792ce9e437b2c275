/** Who is private, and for whom not: for who asks without a reader's tiers. */
import type { PersonId } from "./ids.ts";
import { byDatabase, databaseOf } from "./shards.ts";

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
  const answers = [...byDatabase(env, new Set(people), (id) => id)].map(([database, group]) =>
    database
      .prepare(
        `SELECT follower FROM following
         WHERE follower IN (SELECT value FROM json_each(?1)) AND followee = ?2 AND active = 1`,
      )
      .bind(JSON.stringify(group), followee)
      .all<{ follower: PersonId }>(),
  );
  return new Set((await Promise.all(answers)).flatMap(({ results }) => results.map(({ follower }) => follower)));
}
