/** D1 bindings for tests, which write and read rows without the product's own access to them. */
import type { Id } from "../../../schema/ids.ts";
import { bindingOf, bindings } from "../../../schema/d1/shards.ts";

export const d1Named = (env: Env, binding: string): D1Database =>
  (env as unknown as Record<string, D1Database>)[binding] as D1Database;

/** The database of an id or of a logical shard. */
export const d1Of = (env: Env, key: Id | number): D1Database => d1Named(env, bindingOf(env, key));

/** Every database. */
export const allD1 = (env: Env): D1Database[] => bindings(env).map((binding) => d1Named(env, binding));

/** Groups items by the database of their ids. */
export function byD1<T>(env: Env, items: Iterable<T>, idOf: (item: T) => Id): Map<D1Database, T[]> {
  const groups = new Map<D1Database, T[]>();
  for (const item of items) {
    const database = d1Of(env, idOf(item));
    groups.set(database, [...(groups.get(database) ?? []), item]);
  }
  return groups;
}

/** Prepares statements of the product for a binding. */
export const prepared = (database: D1Database, statements: readonly { sql: string; params: readonly unknown[] }[]) =>
  statements.map(({ sql, params }) => database.prepare(sql).bind(...params));
