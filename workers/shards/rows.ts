/** Statements that copy whole rows, whatever columns they have. */
import { setBased } from "../../schema/d1/set-based.ts";
import type { MovedTable } from "./tables.ts";
import { columns, type Key, quoted, type Row } from "./windows.ts";

/** Returns the primary key of a row as JSON text. */
export const keyOf = ({ keys }: MovedTable, row: Row): string => JSON.stringify(keys.map((column) => row[column]));

/** Inserts the rows, replacing any rows with the same keys. */
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

/** Deletes the rows that have these keys. */
export function deleteStatements(database: D1Database, table: MovedTable, keys: readonly Key[]): D1PreparedStatement[] {
  const values = table.keys.map((_, index) => `value ->> ${index}`);
  return setBased(
    database,
    `DELETE FROM ${table.name} WHERE (${columns(table)}) IN (SELECT ${values.join(", ")} FROM json_each(?1))`,
    keys,
  );
}

/** Reads the rows that have these keys. */
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

/** Returns the keys of rows that exist on one side only, or that differ in any column. */
export function differing(table: MovedTable, left: readonly Row[], right: readonly Row[]): string[] {
  const [lefts, rights] = [left, right].map(
    (rows) => new Map(rows.map((row) => [keyOf(table, row), JSON.stringify(row)] as const)),
  );
  const keys = new Set([...(lefts?.keys() ?? []), ...(rights?.keys() ?? [])]);
  return [...keys].filter((key) => lefts?.get(key) !== rights?.get(key));
}
