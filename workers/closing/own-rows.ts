import { getTableConfig } from "drizzle-orm/sqlite-core";
import { statement } from "../../schema/d1/database.ts";
import { databases } from "../../schema/d1/shards.ts";
import type { PersonId } from "../../schema/ids.ts";
import { deleteSql, ERASED } from "./tables.ts";

/** The most rows of each table that one call deletes in each database. */
const ROWS_PER_CALL = 1000;

const DELETIONS = ERASED.flatMap((erased) => {
  if (!erased.own) return [];
  const { columns, primaryKeys } = getTableConfig(erased.table);
  return [deleteSql(erased, primaryKeys[0]?.columns ?? columns.filter((column) => column.primary))];
});

/**
 * Deletes rows of a closed account that nothing else depends on. Returns whether there may be more. Costs one batch a
 * database.
 */
export async function eraseOwnRows(env: Env, person: PersonId): Promise<boolean> {
  const batch = DELETIONS.map((text) => statement(text, person, ROWS_PER_CALL));
  const results = await Promise.all(databases(env).map((database) => database.patient.batch(batch)));
  return results.flat().some(({ changes }) => changes > 0);
}
