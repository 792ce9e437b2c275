/**
 * Writes rows straight into the SQLite files of a stopped product, because filling a graph over HTTP would take hours.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { storageOf } from "../../scripts/paths.ts";

type Row = Record<string, string | number>;

/** Returns the file of the D1 database that has `table`. Here one database holds all shards. */
export function databaseFile(state: string, table: string): string {
  const file = databaseFileIfAny(state, table);
  if (file === undefined) throw new Error(`no database has a table ${table}`);
  return file;
}

export const databaseFileIfAny = (state: string, table: string): string | undefined =>
  filesIn(state, "d1/miniflare-D1DatabaseObject").find((path) => tablesOf(path).has(table));

/** Returns the file of the post actor with the object id `id`. */
export function actorFile(state: string, id: string): string {
  const file = filesIn(state, "do/shutterline-PostActor").find((path) => path.endsWith(`${id}.sqlite`));
  if (file === undefined) throw new Error(`no actor has the id ${id}`);
  return file;
}

/** Lists the databases of a folder, without Miniflare's own. */
function filesIn(state: string, folder: string): string[] {
  const path = join(storageOf(state), folder);
  return readdirSync(path)
    .filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))
    .map((name) => join(path, name));
}

function tablesOf(file: string): Set<unknown> {
  const database = new DatabaseSync(file);
  const rows = database.prepare("SELECT name FROM sqlite_master").all();
  database.close();
  return new Set(rows.map(({ name }) => name));
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
