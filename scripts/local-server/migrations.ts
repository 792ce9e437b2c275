/**
 * Applies schema/migrations to every D1 database of wrangler.toml, as `wrangler d1 migrations apply` does, in 0.1 s.
 */
import type { MigratedDatabase, Migration } from "./build.ts";
import type { Database } from "./tools.ts";

// Wrangler's own table, so that wrangler and this script see what the other has applied.
const APPLIED = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`;

/** Applies the pending migrations to all `databases`. Returns the number of files applied. */
export async function migrate(
  databases: readonly MigratedDatabase[],
  open: (binding: string) => Database,
): Promise<number> {
  let applied = 0;
  for (const { binding, migrations } of databases) {
    if (migrations.length > 0) applied += await applyPending(open(binding), migrations);
  }
  return applied;
}

async function applyPending(database: Database, migrations: readonly Migration[]): Promise<number> {
  await database.prepare(APPLIED).run();
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const done = new Set(results.map(({ name }) => name));
  const pending = migrations.filter(({ name }) => !done.has(name));
  for (const { name, statements } of pending) {
    // A batch is one transaction: a file and the record that it was applied commit together, or not at all.
    await database.batch([
      ...statements.map((statement) => database.prepare(statement)),
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
  return pending.length;
}
