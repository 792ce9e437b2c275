const VERSION = "version";

/** One step takes the tables from one version to the next. Steps are only ever added at the end. */
export type Migration = (sql: SqlStorage) => void;

/** True once `migrate` has run. Asking writes nothing, so an object that was never used stores nothing. */
export const isMigrated = (storage: DurableObjectStorage): boolean => storage.kv.get(VERSION) !== undefined;

/** Brings the tables up to date, whole or not at all. */
export function migrate(storage: DurableObjectStorage, migrations: readonly Migration[]): void {
  // A table of our own would do as well, but `PRAGMA user_version` is refused in objects.
  const version = storage.kv.get<number>(VERSION) ?? 0;
  if (version === migrations.length) return;
  storage.transactionSync(() => {
    for (const step of migrations.slice(version)) step(storage.sql);
    storage.kv.put(VERSION, migrations.length);
  });
}
