import { queryByIds } from "./by-ids.ts";
import type { PersonId } from "../ids.ts";

/** The condition under which a row of `blocks` counts; that of the index `blocks_active`, or it could not be used. */
export const IS_ACTIVE = "(mine = 1 OR theirs = 1)";

/**
 * For who looks for any block of a person: reads none of those that were taken back. SQLite would take the primary key by
 * itself, because it fits as well, and read them all.
 */
export const ACTIVE_BLOCKS = "blocks INDEXED BY blocks_active";

/** With whom of ?2, a JSON array, the person ?1 is in a block, whoever made it. */
export const BLOCKED_AMONG = `
  SELECT other FROM blocks WHERE person = ?1 AND ${IS_ACTIVE} AND other IN (SELECT value FROM json_each(?2))`;

/** With whom of `others` each of `people` is in a block, if with anybody. One D1 query a database. */
export async function blocksBetween(
  env: Env,
  people: Iterable<PersonId>,
  others: Iterable<PersonId>,
): Promise<Map<PersonId, Set<PersonId>>> {
  const named = JSON.stringify([...new Set(others)]);
  const rows = await queryByIds<{ person: PersonId; other: PersonId }>(env, people, BLOCKS_BETWEEN, named);
  const found = new Map<PersonId, Set<PersonId>>();
  for (const { person, other } of rows) found.set(person, (found.get(person) ?? new Set()).add(other));
  return found;
}

const BLOCKS_BETWEEN = `
  SELECT person, other FROM blocks WHERE person IN (SELECT value FROM json_each(?1)) AND ${IS_ACTIVE}
  AND other IN (SELECT value FROM json_each(?2))`;
