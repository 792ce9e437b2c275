/** Rows as they are copied: whole, whatever their columns are. */
import { setBased } from "../../schema/d1/set-based.ts";
import type { MovedTable } from "./tables.ts";
import { columns, type Key, quoted, type Row } from "./windows.ts";

/** The key of a row as text, to find it by. */
export const keyOf = ({ keys }: MovedTable, row: Row): string => JSON.stringify(keys.map((column) => row[column]));

/** Writes the rows over whatever is there. */
export function writeStatements(
  database: D1Database,
  { name }: MovedTable,
  rows: readonly Row[],
): D1PreparedStatement[] {
  const names = Object.keys(rows[0] ?? {});
  const values = names.map((_, index) => `value ->> ${index}`);
  return setBased(
    database,
    `INSERT OR REPLACE INTO ${name} (${names.map(quoted).join(", ")}) SELECT ${values.join(", ")} FROM json_each(?1)`,
    rows.map((row) => names.map((column) => row[column])),
  );
}

export function deleteStatements(database: D1Database, table: MovedTable, keys: readonly Key[]): D1PreparedStatement[] {
  const values = table.keys.map((_, index) => `value ->> ${index}`);
  return setBased(
    database,
    `DELETE FROM ${table.name} WHERE (${columns(table)}) IN (SELECT ${values.join(", ")} FROM json_each(?1))`,
    keys,
  );
}

/** The rows that have these keys. */
export async function rowsOf(database: D1Database, table: MovedTable, keys: readonly Key[]): Promise<Row[]> {
  const matches = table.keys.map((column, index) => `${table.name}.${quoted(column)} = wanted.value ->> ${index}`);
  const statements = setBased(
    database,
    `SELECT ${table.name}.* FROM json_each(?1) AS wanted CROSS JOIN ${table.name} ON ${matches.join(" AND ")}`,
    keys,
  );
  if (statements.length === 0) return [];
  return (await database.batch<Row>(statements)).flatMap(({ results }) => results);
}

/** The keys of rows that only one of the two has, or that differ in any column. */
export function differing(table: MovedTable, these: readonly Row[], those: readonly Row[]): string[] {
  const [mine, theirs] = [these, those].map(
    (rows) => new Map(rows.map((row) => [keyOf(table, row), JSON.stringify(row)] as const)),
  );
  const keys = new Set([...(mine?.keys() ?? []), ...(theirs?.keys() ?? [])]);
  return [...keys].filter((key) => mine?.get(key) !== theirs?.get(key));
}
