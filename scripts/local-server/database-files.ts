/** Finds the SQLite files of a stopped product, for programs that look behind the API. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { storageOf } from "../paths.ts";
import { TOKEN_KEY } from "./issued-tokens.ts";

/** Returns the file of the D1 database that has `table`. Here one database holds all shards. */
export function databaseFile(state: string, table: string): string {
  const file = databaseFileIfAny(state, table);
  if (file === undefined) throw new Error(`no database has a table ${table}`);
  return file;
}

export const databaseFileIfAny = (state: string, table: string): string | undefined =>
  filesIn(state, "d1/miniflare-D1DatabaseObject").find((path) => tablesOf(path).has(table));

/** Returns the key of tokens, which the first sign-up has created. */
export function tokenKeyIn(state: string): string {
  const database = new DatabaseSync(databaseFile(state, "secrets"), { readOnly: true });
  try {
    return String(database.prepare(TOKEN_KEY).get()?.["value"]);
  } finally {
    database.close();
  }
}

/** Lists the databases of a folder, without Miniflare's own. */
export function filesIn(state: string, folder: string): string[] {
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
