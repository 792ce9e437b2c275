import { sql } from "drizzle-orm";
import { queryByIds } from "./by-ids.ts";
import type { PersonId } from "../ids.ts";
import { textOf } from "./sql.ts";
import { blocks } from "../tables/people.ts";

/** Matches rows that are a block in either direction. Must equal the condition of the index `blocks_active`. */
export const IS_ACTIVE = sql`(${blocks.mine} = 1 OR ${blocks.theirs} = 1)`;

/**
 * The table for queries that look for any block of a person, without reading rows of former blocks. SQLite on its own
 * would choose the primary key, which fits as well, and read those too.
 */
export const ACTIVE_BLOCKS = sql`${blocks} INDEXED BY blocks_active`;

/**
 * Returns, for each of `people`, which of `others` they are in a block with; people without any are absent. Costs one
 * D1 query per database.
 */
export async function blocksBetween(
  env: Env,
  people: Iterable<PersonId>,
  others: Iterable<PersonId>,
): Promise<Map<PersonId, Set<PersonId>>> {
  const named = JSON.stringify([...new Set(others)]);
  const rows = await queryByIds<Pair>(env, people, BLOCKS_BETWEEN, named);
  const found = new Map<PersonId, Set<PersonId>>();
  for (const { person, other } of rows) found.set(person, (found.get(person) ?? new Set()).add(other));
  return found;
}

type Pair = Pick<typeof blocks.$inferSelect, "person" | "other">;
const BLOCKS_BETWEEN = textOf(sql`
  SELECT ${blocks.person}, ${blocks.other} FROM ${blocks}
  WHERE ${blocks.person} IN (SELECT value FROM json_each(?1)) AND ${IS_ACTIVE}
  AND ${blocks.other} IN (SELECT value FROM json_each(?2))`);
