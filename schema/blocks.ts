import type { PersonId } from "./ids.ts";
import { byDatabase, databaseOf } from "./shards.ts";

/** The condition under which a row of `blocks` counts; that of the index `blocks_active`, or it could not be used. */
export const IS_ACTIVE = "(mine = 1 OR theirs = 1)";

/**
 * For who looks for any block of a person: reads none of those that were taken back. SQLite would take the primary key by
 * itself, because it fits as well, and read them all.
 */
export const ACTIVE_BLOCKS = "blocks INDEXED BY blocks_active";

/** With whom of `others` the person is in a block, whoever made it. One D1 query, in the person's database. */
export async function blockedAmong(env: Env, person: PersonId, others: Iterable<PersonId>): Promise<Set<PersonId>> {
  const rows = await databaseOf(env, person)
    .prepare(BLOCKED_AMONG)
    .bind(person, JSON.stringify([...new Set(others)]))
    .all<{ other: PersonId }>();
  return new Set(rows.results.map(({ other }) => other));
}

/** The same, for who reads in another way: of ?2, a JSON array, and the person ?1. */
export const BLOCKED_AMONG = `
  SELECT other FROM blocks WHERE person = ?1 AND ${IS_ACTIVE} AND other IN (SELECT value FROM json_each(?2))`;

/** Of those of `people` who are in any block: whether they are in one with `other`. One D1 query a database. */
export async function blocksOf(env: Env, people: Iterable<PersonId>, other: PersonId): Promise<Map<PersonId, boolean>> {
  const answers = [...byDatabase(env, new Set(people), (id) => id)].map(([database, group]) =>
    database
      .prepare(
        `SELECT person, max(other = ?2) AS withOther FROM ${ACTIVE_BLOCKS}
         WHERE person IN (SELECT value FROM json_each(?1)) AND ${IS_ACTIVE} GROUP BY person`,
      )
      .bind(JSON.stringify(group), other)
      .all<{ person: PersonId; withOther: number }>(),
  );
  const rows = (await Promise.all(answers)).flatMap(({ results }) => results);
  return new Map(rows.map(({ person, withOther }) => [person, withOther === 1]));
}
