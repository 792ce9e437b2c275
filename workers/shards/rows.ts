/** Statements that copy whole rows, whatever columns they have. */
import type { Statement, Database } from "../../schema/d1/database.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import type { MovedTable } from "./tables.ts";
import { columns, type Key, quoted, type Row } from "./windows.ts";

/** Returns the primary key of a row as JSON text. */
export const keyOf = ({ keys }: MovedTable, row: Row): string => JSON.stringify(keys.map((column) => row[column]));

/** Inserts the rows, replacing any rows with the same keys. */
export function writeStatements({ name }: MovedTable, rows: readonly Row[]): Statement[] {
  const names = Object.keys(rows[0] ?? {});
  return setBased(
    `INSERT OR REPLACE INTO ${name} (${names.map(quoted).join(", ")}) SELECT ${fields(names)} FROM json_each(?1)`,
    rows,
  );
}

/** Deletes the rows that have these keys. */
export const deleteStatements = (table: MovedTable, keys: readonly Key[]): Statement[] =>
  setBased(
    `DELETE FROM ${table.name} WHERE (${columns(table)}) IN (SELECT ${fields(table.keys)} FROM json_each(?1))`,
    keys.map((key) => withNames(table, key)),
  );

/** Reads the rows that have these keys. */
export async function readRows(database: Database, table: MovedTable, keys: readonly Key[]): Promise<Row[]> {
  const matches = table.keys.map((column) => `${table.name}.${quoted(column)} = ${field(column, "wanted.value")}`);
  const statements = setBased(
    `SELECT ${table.name}.* FROM json_each(?1) AS wanted CROSS JOIN ${table.name} ON ${matches.join(" AND ")}`,
    keys.map((key) => withNames(table, key)),
  );
  if (statements.length === 0) return [];
  return (await database.patient.batch<Row>(statements)).flatMap(({ rows }) => rows);
}

/** Returns the key as an object with the names of its columns. */
const withNames = ({ keys }: MovedTable, key: Key) =>
  Object.fromEntries(keys.map((column, index) => [column, key[index]]));

/** A column of a row that travels as JSON with the names of its columns. */
const field = (column: string, from = "value"): string => `${from} ->> '${column}'`;
const fields = (names: readonly string[]): string => names.map((column) => field(column)).join(", ");

/** Returns the keys of rows that exist on one side only, or that differ in any column. */
export function differing(table: MovedTable, left: readonly Row[], right: readonly Row[]): string[] {
  const [lefts, rights] = [left, right].map(
    (rows) => new Map(rows.map((row) => [keyOf(table, row), JSON.stringify(row)] as const)),
  );
  const keys = new Set([...(lefts?.keys() ?? []), ...(rights?.keys() ?? [])]);
  return [...keys].filter((key) => lefts?.get(key) !== rights?.get(key));
}
