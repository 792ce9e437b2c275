/**
 * Maps rows to databases. An id contains its logical shard. The `SHARDS` variable names the databases and the initial
 * database of each shard; later moves are in the table `shard_moves` of the database DB (workers/shards).
 *
 * An isolate caches the resulting map and refreshes it every few seconds. If `SHARDS` names only one database, nothing
 * is ever read.
 */
import { sql } from "drizzle-orm";
import type { Background } from "../background.ts";
import { Database, statement } from "./database.ts";
import { type Id, LOGICAL_SHARDS, shardOf } from "../ids.ts";
import { textOf, valueOf } from "./sql.ts";
import { PHASES, type Phase, shardMoves } from "../tables/shards.ts";
import { logWarning } from "../log.ts";

export type Range = { binding: string; first: number; last: number };

/** No request starts with a map older than this, in ms, unless the map cannot be read. */
export const MAP_LEASE = 5000;
/** How long a map is used while it cannot be read again, in ms. After that, whatever needs it is refused. */
export const MAP_LASTS = 10_000;
/** The age from which a map is refreshed in the background of a request, in ms. */
const REFRESH_AFTER = 2500;
/** How long a background refresh may take before another request starts its own, in ms. */
const REFRESH_TIMEOUT = 1000;

type InitialMap = { bindings: string[]; ranges: Range[] };

/**
 * Parses "DB" (one database for everything), "DB:0-4095 DB_1:4096-8191", or "DB:0-8191 DB_1" (a second database without
 * shards). Throws unless every logical shard has exactly one binding: a row without a home must stop the deployment,
 * not a request.
 */
export function parseShards(map: string): InitialMap {
  const parts = map.trim().split(/\s+/);
  const named = parts.map((part) => {
    const [, binding, first, last] = /^(\w+)(?::(\d+)-(\d+))?$/.exec(part) ?? [];
    if (!binding) throw new Error(`SHARDS: cannot read "${part}"`);
    const isAlone = parts.length === 1;
    const range = isAlone ? { first: 0, last: LOGICAL_SHARDS - 1 } : { first: -1, last: -1 };
    return first === undefined ? { binding, ...range } : { binding, first: Number(first), last: Number(last) };
  });
  const ranges = named.filter(({ first }) => first >= 0).sort((a, b) => a.first - b.first);
  let next = 0;
  for (const { binding, first, last } of ranges) {
    if (first !== next || last < first) throw new Error(`SHARDS: ${binding} starts at ${first}, expected ${next}`);
    next = last + 1;
  }
  if (next !== LOGICAL_SHARDS) throw new Error(`SHARDS: shards from ${next} onwards have no database`);
  return { bindings: [...new Set(named.map(({ binding }) => binding))], ranges };
}

/** Returns `ranges` with the range `moved` reassigned to its binding. */
export function withMoved(ranges: readonly Range[], moved: Range): Range[] {
  const others = ranges.flatMap(({ binding, first, last }) => [
    { binding, first, last: Math.min(last, moved.first - 1) },
    { binding, first: Math.max(first, moved.last + 1), last },
  ]);
  return [...others.filter(({ first, last }) => first <= last), moved].sort((a, b) => a.first - b.first);
}

/**
 * `isMoving`: a move is under way. `floors`: for each binding, the bookmark from which on it has the rows that have moved
 * to it. `readAt`: when the query for this map began; `refreshedAt`: when the last refresh of
 * it began. `readNumber`: numbers the queries in the order in which they began.
 */
type ShardMap = {
  ranges: Range[];
  isMoving: boolean;
  floors: ReadonlyMap<string, string>;
  readAt: number;
  refreshedAt: number;
  readNumber: number;
};

// Keyed by the text of SHARDS. A deployment has only one.
const initialMaps = new Map<string, InitialMap>();
const maps = new Map<string, ShardMap>();
let reads = 0;

function initialMapOf({ SHARDS }: Env): InitialMap {
  const initial = initialMaps.get(SHARDS) ?? parseShards(SHARDS);
  initialMaps.set(SHARDS, initial);
  return initial;
}

const NO_FLOORS: ReadonlyMap<string, string> = new Map();

function mapOf(env: Env): Pick<ShardMap, "ranges" | "isMoving" | "floors"> {
  const initial = initialMapOf(env);
  if (initial.bindings.length === 1) return { ranges: initial.ranges, isMoving: false, floors: NO_FLOORS };
  const map = maps.get(env.SHARDS);
  if (!map) throw new Error("the shard map was not read: renewShards() must run first");
  return map;
}

/**
 * Refreshes the map if it is old. Every unit of work that uses databases must call it first: a request, a batch of a
 * queue, a cron, a turn of an actor. Costs nothing with one database; otherwise one query per isolate every few
 * seconds, for which a request waits only if its map is older than MAP_LEASE. Throws if the map is older than MAP_LASTS
 * and cannot be read.
 */
export async function refreshShardMap(env: Env, background?: Background): Promise<void> {
  if (initialMapOf(env).bindings.length === 1) return;
  const now = Date.now();
  const map = maps.get(env.SHARDS);
  // If the clock was set back, the age is unknown.
  const age = map && now >= map.readAt ? now - map.readAt : Number.POSITIVE_INFINITY;
  if (age < REFRESH_AFTER) return;
  if (map && background && age < MAP_LEASE) {
    if (now - map.refreshedAt < REFRESH_TIMEOUT) return;
    map.refreshedAt = now;
    background.waitUntil(readShardMap(env).catch(warnOfOldMap));
    return;
  }
  try {
    await readShardMap(env);
  } catch (error) {
    if (age > MAP_LASTS) throw error;
    warnOfOldMap(error);
  }
}

const warnOfOldMap = (error: unknown): void =>
  logWarning("could not read the shard map, using the last one", { error: String(error) });

/** Reads the current map from the primary of DB. Costs one query. */
export async function readShardMap(env: Env): Promise<Range[]> {
  const initial = initialMapOf(env);
  if (initial.bindings.length === 1) return initial.ranges;
  const [now, readNumber] = [Date.now(), (reads += 1)];
  const { results } = await Database.of(env.DB).inSession<MoveRow>([statement(MOVES)], "first-primary");
  const moves = (results[0]?.rows ?? []).map(({ phase, bookmark, ...moved }) => ({
    moved,
    bookmark: bookmark ?? "",
    reached: PHASES.indexOf(phase),
  }));
  const published = moves.filter(({ reached }) => reached >= PUBLISHED);
  const ranges = published.reduce<Range[]>((ranges, { moved }) => withMoved(ranges, moved), initial.ranges);
  const isMoving = moves.some(({ reached }) => reached !== DONE);
  const floors = new Map<string, string>();
  for (const { moved, bookmark } of published) {
    if (bookmark > (floors.get(moved.binding) ?? "")) floors.set(moved.binding, bookmark);
  }
  // Of two concurrent queries, the one that began later has the newer map.
  if (readNumber > (maps.get(env.SHARDS)?.readNumber ?? 0)) {
    maps.set(env.SHARDS, { ranges, isMoving, floors, readAt: now, refreshedAt: now, readNumber });
  }
  return ranges;
}

type MoveRow = Range & { phase: Phase; bookmark: string | null };
const [PUBLISHED, DONE] = [PHASES.indexOf("published"), PHASES.indexOf("done")];
const MOVES = textOf(sql`
  SELECT ${shardMoves.target} AS "binding", ${shardMoves.first}, ${shardMoves.last}, ${shardMoves.phase},
    ${shardMoves.bookmark}
  FROM ${shardMoves} WHERE ${shardMoves.phase} <> ${valueOf(shardMoves.phase, "aborted")} ORDER BY ${shardMoves.id}`);

/** Whether a move is under way, so that some rows may be in two databases. */
export const areShardsMoving = (env: Env): boolean => mapOf(env).isMoving;

/**
 * Returns the bookmark that a replica of a database must have reached to have all rows that have moved to it; undefined
 * if none have.
 */
export const floorOf = (env: Env, binding: string): string | undefined => mapOf(env).floors.get(binding);

/** Returns every database once. During a move, a database may hold copies of another one's rows: see `isHomeOf`. */
export const databases = (env: Env): Database[] => bindings(env).map((binding) => databaseNamed(env, binding));

/** Returns the binding names of all databases. */
export const bindings = (env: Env): string[] => initialMapOf(env).bindings;

/** Returns one logical shard of every database that has any. */
export const oneShardPerDatabase = (env: Env): number[] => [
  ...new Map(mapOf(env).ranges.map(({ binding, first }) => [binding, first])).values(),
];

/** Returns the database of an id or of a logical shard (0 to 8191). */
export const databaseOf = (env: Env, key: Id | number): Database => databaseNamed(env, bindingOf(env, key));

/** Returns the binding name of the database of an id or of a logical shard. */
export function bindingOf(env: Env, key: Id | number): string {
  const shard = typeof key === "number" ? key : shardOf(key);
  const range = mapOf(env).ranges.find(({ first, last }) => first <= shard && shard <= last);
  if (!range) throw new Error(`no database for logical shard ${shard}`);
  return range.binding;
}

/** Whether a row found in `database` belongs there and is not a copy of a move. For queries of all databases. */
export const isHomeOf = (env: Env, database: Database, id: Id): boolean => databaseOf(env, id).isSame(database);

/** Groups items by the database of their ids, so that each database is queried once. */
export function byDatabase<T>(env: Env, items: Iterable<T>, idOf: (item: T) => Id): Map<Database, T[]> {
  const groups = new Map<Database, T[]>();
  for (const item of items) {
    const database = databaseOf(env, idOf(item));
    const group = groups.get(database);
    if (group) group.push(item);
    else groups.set(database, [item]);
  }
  return groups;
}

/**
 * Returns the logical shard of a handle. Handles have no id, so a hash selects their shard: FNV-1a with 32 bits
 * (http://www.isthe.com/chongo/tech/comp/fnv/).
 */
export function shardOfHandle(handle: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(handle)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % LOGICAL_SHARDS;
}

/** Returns the database bound as `binding`; throws if there is none. */
// The cast is needed because operators add DB_1, DB_2... to wrangler.toml, while the generated Env has only ours.
export function databaseNamed(env: Env, binding: string): Database {
  const database = (env as unknown as Record<string, D1Database | undefined>)[binding];
  if (!database) throw new Error(`SHARDS names ${binding}, but no D1 database is bound under that name`);
  return Database.of(database);
}
