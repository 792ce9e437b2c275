/** The logical shard of a key, as SQL that triggers and statements over many rows can use. */
import { type SQL, sql, type SQLWrapper } from "drizzle-orm";
import { DIGITS, LOGICAL_SHARDS } from "../ids.ts";
import { literal } from "./sql.ts";
import { closedShards } from "../tables/shards.ts";

/** The message with which a database refuses writes for a shard that is moving to another database or already has. */
export const IS_MOVING = "the shard is moving to another database";

/** Whether `error` is that refusal, possibly wrapped: Drizzle passes it as the `cause`. */
export const isMovingError = (error: unknown): boolean =>
  String(error).includes(IS_MOVING) ||
  (error instanceof Error && error.cause !== undefined && isMovingError(error.cause));

const digit = (id: SQLWrapper, position: number): SQL =>
  sql`(instr(${literal(DIGITS)}, substr(${id}, ${literal(position)}, 1)) - 1)`;

/** Returns SQL for the shard of an id: bits 10 to 22 of 64, in the ninth to eleventh of its 13 characters. */
export const shardOfIdSql = (id: SQLWrapper): SQL =>
  sql`((${digit(id, 9)} & 7) * 1024 + ${digit(id, 10)} * 32 + ${digit(id, 11)})`;

// The lowest 13 of the 32 bits suffice: in products and exclusive ors, low bits never depend on higher ones. Handles
// are ASCII.
const SEED = literal(0x811c9dc5 % LOGICAL_SHARDS);
const PRIME = literal(0x01000193 % LOGICAL_SHARDS);
const MASK = literal(LOGICAL_SHARDS - 1);

/** Returns SQL for the shard of a handle, as in `shardOfHandle`. SQLite lacks exclusive or: it is `or` minus `and`. */
export const shardOfHandleSql = (handle: SQLWrapper): SQL => sql`(
  WITH RECURSIVE fnv (rest, hash) AS (
    SELECT ${handle}, ${SEED}
    UNION ALL
    SELECT substr(rest, 2), ((hash | unicode(rest)) - (hash & unicode(rest))) * ${PRIME} & ${MASK} FROM fnv WHERE rest <> '')
  SELECT hash FROM fnv WHERE rest = '')`;

/**
 * Returns a condition that holds if the database accepts writes of the row with this id. Sweeps need it, because they
 * find rows of many people, and a single copy of a moving row would make the whole sweep fail.
 */
export const isWritableSql = (id: SQLWrapper): SQL => sql`NOT EXISTS (
  SELECT 1 FROM ${closedShards} WHERE ${shardOfIdSql(id)} BETWEEN ${closedShards.first} AND ${closedShards.last})`;
