/** The logical shard of a key, as SQL that triggers and statements over many rows can use. */
import { DIGITS, LOGICAL_SHARDS } from "../ids.ts";

/** What a database says to a write of a shard that is on its way to another one, or is there already. */
export const IS_MOVING = "the shard is moving to another database";

/** Whether a database refused a write for that reason. The refusal may be wrapped: drizzle names it as the `cause`. */
export const isMoving = (error: unknown): boolean =>
  String(error).includes(IS_MOVING) || (error instanceof Error && error.cause !== undefined && isMoving(error.cause));

const digit = (id: string, position: number): string => `(instr('${DIGITS}', substr(${id}, ${position}, 1)) - 1)`;

/** Of an id: its bits 10 to 22 of 64, which are in the ninth, tenth and eleventh of 13 characters. */
export const shardOfIdSql = (id: string): string =>
  `((${digit(id, 9)} & 7) * 1024 + ${digit(id, 10)} * 32 + ${digit(id, 11)})`;

// Of 32 bits the lowest 13 are enough: neither a product nor an exclusive or looks at higher ones. Handles are ASCII.
const [SEED, PRIME, MASK] = [0x811c9dc5 % LOGICAL_SHARDS, 0x01000193 % LOGICAL_SHARDS, LOGICAL_SHARDS - 1];

/** As `shardOfHandle`. SQLite has no exclusive or: it is what one of the two has and not both. */
export const shardOfHandleSql = (handle: string): string => `(
  WITH RECURSIVE fnv (rest, hash) AS (
    SELECT ${handle}, ${SEED}
    UNION ALL
    SELECT substr(rest, 2), ((hash | unicode(rest)) - (hash & unicode(rest))) * ${PRIME} & ${MASK} FROM fnv WHERE rest <> '')
  SELECT hash FROM fnv WHERE rest = '')`;

/**
 * Whether the database takes writes of the row with this id. For sweeps, which find rows of many people: the copy of a row
 * that is on its way would make the whole sweep fail.
 */
export const isOpenSql = (id: string): string =>
  `NOT EXISTS (SELECT 1 FROM closed_shards WHERE ${shardOfIdSql(id)} BETWEEN first AND last)`;
