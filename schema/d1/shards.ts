/**
 * Which database a row lives in. An id names its logical shard; the `SHARDS` variable names the databases, and which of
 * them each shard began in; what was moved since is in the table `shard_moves` of the database DB (workers/shards).
 *
 * An isolate keeps that map and reads it anew every few seconds. Where `SHARDS` names one database there is nothing to
 * read, and nothing is.
 */
import type { Background } from "../background.ts";
import { STORE_ANSWERS_WITHIN, within } from "./deadline.ts";
import { type Id, LOGICAL_SHARDS, shardOf } from "../ids.ts";
import { PHASES, type Phase } from "../tables/shards.ts";

export type Range = { binding: string; first: number; last: number };

/** No request begins with a map that was read longer ago than this, in ms, unless the map cannot be read. */
export const MAP_LEASE = 5000;
/** One that cannot be read again is used for this long, in ms; then what needs it is refused. */
export const MAP_LASTS = 10_000;
/** From this age on it is read again, in ms: beside a request, which does not wait for it. */
const RENEWED_AFTER = 2500;
/** Until then one who has begun to read it is waited for. */
const READ_WITHIN = 1000;

type Start = { bindings: string[]; ranges: Range[] };

/**
 * Reads "DB" (one database for everything), "DB:0-4095 DB_1:4096-8191", or "DB:0-8191 DB_1": a second one that has nothing
 * yet. Throws unless every logical shard has exactly one binding: a row without a home must stop the deployment, not a
 * request.
 */
export function parseShards(map: string): Start {
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
  if (next !== LOGICAL_SHARDS) throw new Error(`SHARDS: shards from ${next} on have no database`);
  return { bindings: [...new Set(named.map(({ binding }) => binding))], ranges };
}

/** `ranges`, but `moved` is where it says. */
export function withMoved(ranges: readonly Range[], moved: Range): Range[] {
  const others = ranges.flatMap(({ binding, first, last }) => [
    { binding, first, last: Math.min(last, moved.first - 1) },
    { binding, first: Math.max(first, moved.last + 1), last },
  ]);
  return [...others.filter(({ first, last }) => first <= last), moved].sort((a, b) => a.first - b.first);
}

/**
 * `isMoving`: a move is under way. `readAt`: when it was asked for; `askedAt`: when it was asked for again. `number`: how
 * many were asked for until then.
 */
type ShardMap = { ranges: Range[]; isMoving: boolean; readAt: number; askedAt: number; number: number };

// By the text of SHARDS. A deployment has one.
const starts = new Map<string, Start>();
const maps = new Map<string, ShardMap>();
let asked = 0;

function startOf({ SHARDS }: Env): Start {
  const start = starts.get(SHARDS) ?? parseShards(SHARDS);
  starts.set(SHARDS, start);
  return start;
}

function mapOf(env: Env): Pick<ShardMap, "ranges" | "isMoving"> {
  const start = startOf(env);
  if (start.bindings.length === 1) return { ranges: start.ranges, isMoving: false };
  const map = maps.get(env.SHARDS);
  if (!map) throw new Error("the map of the shards was not read");
  return map;
}

/**
 * To be called where something begins that uses databases: a request, a batch of a queue, a cron, an actor's turn. Costs
 * nothing with one database; else one query an isolate in a few seconds, which only who comes after MAP_LEASE waits for.
 */
export async function renewShards(env: Env, background?: Background): Promise<void> {
  if (startOf(env).bindings.length === 1) return;
  const now = Date.now();
  const map = maps.get(env.SHARDS);
  // A clock that was set back says nothing about the age.
  const age = map && now >= map.readAt ? now - map.readAt : Number.POSITIVE_INFINITY;
  if (age < RENEWED_AFTER) return;
  if (map && background && age < MAP_LEASE) {
    if (now - map.askedAt < READ_WITHIN) return;
    map.askedAt = now;
    background.waitUntil(readShards(env).catch(notRead));
    return;
  }
  try {
    await readShards(env);
  } catch (error) {
    if (age > MAP_LASTS) throw error;
    notRead(error);
  }
}

const notRead = (error: unknown): void =>
  console.warn("map of the shards not read, using the last one", { error: String(error) });

/** Reads the map as it stands. One query of DB, at its primary. */
export async function readShards(env: Env): Promise<Range[]> {
  const start = startOf(env);
  if (start.bindings.length === 1) return start.ranges;
  const [now, number] = [Date.now(), (asked += 1)];
  const read = env.DB.withSession("first-primary").prepare(MOVES).all<MoveRow>();
  const { results } = await within(STORE_ANSWERS_WITHIN, read, "D1");
  const moves = results.map(({ phase, ...moved }) => ({ moved, reached: PHASES.indexOf(phase) }));
  const published = moves.filter(({ reached }) => reached >= PUBLISHED);
  const ranges = published.reduce<Range[]>((ranges, { moved }) => withMoved(ranges, moved), start.ranges);
  const isMoving = moves.some(({ reached }) => reached !== DONE);
  // Of two that were under way at once, the one that was sent later knows more.
  if (number > (maps.get(env.SHARDS)?.number ?? 0)) {
    maps.set(env.SHARDS, { ranges, isMoving, readAt: now, askedAt: now, number });
  }
  return ranges;
}

type MoveRow = Range & { phase: Phase };
const [PUBLISHED, DONE] = [PHASES.indexOf("published"), PHASES.indexOf("done")];
const MOVES = "SELECT target AS binding, first, last, phase FROM shard_moves WHERE phase <> 'aborted' ORDER BY id";

/** Whether rows are on their way between databases: some may be in two of them. */
export const areShardsMoving = (env: Env): boolean => mapOf(env).isMoving;

/** Every database, each once. While shards are moving, one may hold copies of rows that are another's: see `isHomeOf`. */
export const databases = (env: Env): D1Database[] => bindings(env).map((binding) => databaseNamed(env, binding));

/** The names of all databases. */
export const bindings = (env: Env): string[] => startOf(env).bindings;

/** A logical shard of every database that has any. */
export const firstShards = (env: Env): number[] => [
  ...new Map(mapOf(env).ranges.map(({ binding, first }) => [binding, first])).values(),
];

/** The database of an id, or of a logical shard (0 to 8191). */
export const databaseOf = (env: Env, key: Id | number): D1Database => databaseNamed(env, bindingOf(env, key));

/** The name of that database's binding. */
export function bindingOf(env: Env, key: Id | number): string {
  const shard = typeof key === "number" ? key : shardOf(key);
  const range = mapOf(env).ranges.find(({ first, last }) => first <= shard && shard <= last);
  if (!range) throw new Error(`no database for logical shard ${shard}`);
  return range.binding;
}

/** For who asks all databases: whether a row that was found in this one is read there, or is a copy on its way. */
export const isHomeOf = (env: Env, database: D1Database, id: Id): boolean => databaseOf(env, id) === database;

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
export function databaseNamed(env: Env, binding: string): D1Database {
  const database = (env as unknown as Record<string, D1Database | undefined>)[binding];
  if (!database) throw new Error(`SHARDS names ${binding}, and no such D1 database is bound`);
  return database;
}
