const VERSION = "version";

/** A step that takes the tables from one version to the next. Steps are only ever added at the end. */
export type Migration = (sql: SqlStorage) => void;

/** Whether `migrate` has run. Writes nothing, so an object that was never used stores nothing. */
export const isMigrated = (storage: DurableObjectStorage): boolean => storage.kv.get(VERSION) !== undefined;

/**
 * Brings the tables up to date, in one transaction. An object without any gets `tables` at once, if they are given:
 * what all steps lead to.
 */
export function migrate(storage: DurableObjectStorage, migrations: readonly Migration[], tables?: string): void {
  // The version lives in the key-value storage because Durable Objects reject `PRAGMA user_version`.
  const version = storage.kv.get<number>(VERSION) ?? 0;
  if (version === migrations.length) return;
  storage.transactionSync(() => {
    if (version === 0 && tables !== undefined) storage.sql.exec(tables);
    else for (const step of migrations.slice(version)) step(storage.sql);
    storage.kv.put(VERSION, migrations.length);
  });
}
