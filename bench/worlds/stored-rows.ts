/**
 * Writes rows straight into the SQLite files of a stopped product, because filling a graph over HTTP would take hours.
 */
import { createHash, createHmac } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { type Column, getTableColumns, getTableName, type InferInsertModel, type Table } from "drizzle-orm";
import type { PostId } from "../../schema/ids.ts";
import { filesIn } from "../../scripts/local-server/database-files.ts";

export type Row = Record<string, string | number | null>;

/** Returns the file of a post's actor. */
export function actorFile(state: string, post: PostId): string {
  const name = `${objectId("shutterline-PostActor", post)}.sqlite`;
  const file = filesIn(state, "do/shutterline-PostActor").find((path) => path.endsWith(name));
  if (file === undefined) throw new Error(`${post} has no actor`);
  return file;
}

/** Returns the id that workerd gives to the object `name` of a class. */
function objectId(uniqueKey: string, name: string): string {
  const key = createHash("sha256").update(uniqueKey).digest();
  const half = (value: string | Buffer) => createHmac("sha256", key).update(value).digest().subarray(0, 16);
  const first = half(name);
  return Buffer.concat([first, half(first)]).toString("hex");
}

/** Runs `fill` on a SQLite file in one transaction, without waiting for the disk. */
export function inTransaction(file: string, fill: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN"); // 200 MB of cache, because rows come in random order.
  fill(database);
  database.exec("COMMIT");
  database.close();
}

export function hasColumn(database: DatabaseSync, table: string, column: string): boolean {
  return database.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?").get(table, column) !== undefined;
}

/** Throws unless the columns of `table` are exactly those of `row` and `others`. */
export function expectAllColumns(
  database: DatabaseSync,
  table: string,
  row: Row,
  others: readonly string[] = [],
): void {
  const given = [...Object.keys(row), ...others].toSorted().join(", ");
  const columns = database.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  const all = columns.map(({ name }) => String(name)).toSorted();
  if (given !== all.join(", ")) throw new Error(`${table} has the columns ${all.join(", ")}, not ${given}`);
}

/** Inserts a row for each item. SQLite rejects a row that lacks a column without a default. */
export function insert<T>(
  database: DatabaseSync,
  table: string,
  items: Iterable<T>,
  rowOf: (item: T) => Row = (item) => item as Row,
): void {
  let statement: ReturnType<DatabaseSync["prepare"]> | undefined;
  for (const item of items) {
    const row = rowOf(item);
    statement ??= database.prepare(insertInto(table, Object.keys(row)));
    statement.run(...Object.values(row));
  }
}

/** Inserts rows into a table of D1, given as the product's own code would give them. */
export function insertRows<T extends Table>(
  database: DatabaseSync,
  table: T,
  rows: Iterable<InferInsertModel<T>>,
): void {
  const columns = getTableColumns(table);
  insert(database, getTableName(table), rows, (row) => rowOf(columns, row as Record<string, unknown>));
}

/** Like `update`, for a table of D1. */
export function updateRow<T extends Table>(
  database: DatabaseSync,
  table: T,
  values: Partial<InferInsertModel<T>>,
  where: Row,
): void {
  update(database, getTableName(table), rowOf(getTableColumns(table), values), where);
}

const rowOf = (columns: Record<string, Column>, values: Record<string, unknown>): Row =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const column = columns[key];
      if (!column) throw new Error(`there is no column ${key}`);
      return [column.name, value === null ? null : (column.mapToDriverValue(value) as string | number)];
    }),
  );

const insertInto = (table: string, columns: readonly string[]): string =>
  `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;

/** Updates exactly one row, and throws if `where` matches another number. */
export function update(database: DatabaseSync, table: string, values: Row, where: Row = {}): void {
  const set = Object.keys(values).map((column) => `${column} = ?`);
  const which = Object.keys(where).map((column) => `${column} = ?`);
  const statement = database.prepare(`UPDATE ${table} SET ${set.join(", ")} WHERE ${["true", ...which].join(" AND ")}`);
  const { changes } = statement.run(...Object.values(values), ...Object.values(where));
  if (changes !== 1) throw new Error(`${table}: ${changes} rows instead of one`);
}
