/**
 * Applies schema/migrations to every D1 database of wrangler.toml, as `wrangler d1 migrations apply` does, in 0.1 s.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Miniflare } from "miniflare";
import { unstable_splitSqlQuery as statementsOf } from "wrangler";
import { ROOT } from "../paths.ts";

export type MigratedDatabase = { binding: string; migrations_dir?: string | undefined };
export type Database = Awaited<ReturnType<Miniflare["getD1Database"]>>;

// Wrangler's own table, so that wrangler and this script see what the other has applied.
const APPLIED = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`;

/** Applies the pending migrations of the checkout `root` to all `databases`. Returns the number of files applied. */
export async function migrate(miniflare: Miniflare, databases: MigratedDatabase[], root = ROOT): Promise<number> {
  let applied = 0;
  for (const { binding, migrations_dir } of databases) {
    if (!migrations_dir) continue;
    applied += await applyPending(await miniflare.getD1Database(binding), join(root, migrations_dir));
  }
  return applied;
}

async function applyPending(database: Database, folder: string): Promise<number> {
  await database.prepare(APPLIED).run();
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const done = new Set(results.map(({ name }) => name));
  const pending = readdirSync(folder)
    .filter((name) => name.endsWith(".sql") && !done.has(name))
    .sort();
  for (const name of pending) {
    const statements = statementsOf(readFileSync(join(folder, name), "utf8"));
    // A batch is one transaction: a file and the record that it was applied commit together, or not at all.
    await database.batch([
      ...statements.map((statement) => database.prepare(statement)),
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
  return pending.length;
}
