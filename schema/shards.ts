/** Which database a row lives in: an id names its logical shard, and the `SHARDS` variable names that shard's binding. */
import { type Id, LOGICAL_SHARDS, shardOf } from "./ids.ts";

type Range = { binding: string; first: number; last: number };

/**
 * Reads "DB" (one database for everything) or "DB:0-4095 DB_1:4096-8191".
 * Throws unless every logical shard has exactly one binding: a row without a home must stop the deployment, not a request.
 */
export function parseShards(map: string): Range[] {
  const ranges = map
    .trim()
    .split(/\s+/)
    .map((part) => {
      const [, binding, first, last] = /^(\w+)(?::(\d+)-(\d+))?$/.exec(part) ?? [];
      if (!binding) throw new Error(`SHARDS: cannot read "${part}"`);
      return { binding, first: Number(first ?? 0), last: Number(last ?? LOGICAL_SHARDS - 1) };
    })
    .sort((a, b) => a.first - b.first);
  let next = 0;
  for (const { binding, first, last } of ranges) {
    if (first !== next || last < first) throw new Error(`SHARDS: ${binding} starts at ${first}, expected ${next}`);
    next = last + 1;
  }
  if (next !== LOGICAL_SHARDS) throw new Error(`SHARDS: shards from ${next} on have no database`);
  return ranges;
}

let parsed: { map: string; ranges: Range[] } | undefined;

function rangesOf(env: Env): Range[] {
  if (parsed?.map !== env.SHARDS) parsed = { map: env.SHARDS, ranges: parseShards(env.SHARDS) };
  return parsed.ranges;
}

/** Every database, each once. */
export const databases = (env: Env): D1Database[] =>
  [...new Set(rangesOf(env).map((range) => range.binding))].map((binding) => bound(env, binding));

/** A logical shard of every database. */
export const firstShards = (env: Env): number[] => [
  ...new Map(rangesOf(env).map(({ binding, first }) => [binding, first])).values(),
];

/** The database of an id, or of a logical shard (0 to 8191). */
export const databaseOf = (env: Env, key: Id | number): D1Database => bound(env, bindingOf(env, key));

/** The name of that database's binding. */
export function bindingOf(env: Env, key: Id | number): string {
  const shard = typeof key === "number" ? key : shardOf(key);
  const range = rangesOf(env).find(({ first, last }) => first <= shard && shard <= last);
  if (!range) throw new Error(`no database for logical shard ${shard}`);
  return range.binding;
}

/** Sorts items into the databases of their ids, so that each database is asked once. */
export function byDatabase<T>(env: Env, items: Iterable<T>, idOf: (item: T) => Id): Map<D1Database, T[]> {
  const groups = new Map<D1Database, T[]>();
  for (const item of items) {
    const database = databaseOf(env, idOf(item));
    const group = groups.get(database);
    if (group) group.push(item);
    else groups.set(database, [item]);
  }
  return groups;
}

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/): handles have no id, so their hash draws their shard. */
export function shardOfHandle(handle: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(handle)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % LOGICAL_SHARDS;
}

// Operators add DB_1, DB_2... to wrangler.toml; the generated type of Env knows only those that this repository has.
function bound(env: Env, binding: string): D1Database {
  const database = (env as unknown as Record<string, D1Database | undefined>)[binding];
  if (!database) throw new Error(`SHARDS names ${binding}, and no such D1 database is bound`);
  return database;
}
