/** The record of moves in the database DB: operators begin and abort moves, and each step advances them. */
import { type SQL, sql } from "drizzle-orm";
import { Database } from "../../schema/d1/database.ts";
import { bindings, readShardMap, withMoved } from "../../schema/d1/shards.ts";
import { bare, list, literal, textOf } from "../../schema/d1/sql.ts";
import { type Phase, shardMoves } from "../../schema/tables/shards.ts";
import { Refusal } from "../../schema/api/refusals.ts";

/** A move of the logical shards from `first` to `last`, both included. `place` is where the current phase continues. */
export type Move = Omit<typeof shardMoves.$inferSelect, "publishedAt" | "bookmark"> & {
  /** The time since the new map was published, in ms, by the clock of DB. */
  publishedFor: number | null;
};

/** The result of a step. Without `phase`, the current phase continues. */
export type StepResult = {
  phase?: Phase;
  place?: string;
  moved?: number;
  reason?: string;
  bookmark?: string | undefined;
};

const NOW = sql`cast(unixepoch('subsec') * 1000 AS INTEGER)`;
const NEW_COLUMNS = list(
  shardMoves.first,
  shardMoves.last,
  shardMoves.source,
  shardMoves.target,
  shardMoves.phase,
  shardMoves.place,
  shardMoves.moved,
);
const COLUMNS = sql`${list(shardMoves.id, shardMoves.reason)}, ${NEW_COLUMNS},
  ${NOW} - ${bare(shardMoves.publishedAt)} AS "publishedFor"`;
const named = (phase: Phase): SQL => literal(phase);
const IS_OPEN = sql`${shardMoves.phase} NOT IN (${named("done")}, ${named("aborted")})`;

/** Returns the move that is under way, if any. Costs one query. */
export async function openMove(env: Env): Promise<Move | undefined> {
  return Database.of(env.DB).patient.first<Move>(OPEN);
}

const OPEN = textOf(sql`SELECT ${COLUMNS} FROM ${shardMoves} WHERE ${IS_OPEN}`);

/** Returns the move, or throws `not_found`. */
export async function moveOf(env: Env, id: number): Promise<Move> {
  const move = await Database.of(env.DB).patient.first<Move>(BY_ID, id);
  if (!move) throw new Refusal("not_found");
  return move;
}

const BY_ID = textOf(sql`SELECT ${COLUMNS} FROM ${shardMoves} WHERE ${shardMoves.id} = ?1`);

/**
 * Begins to move the shards from `first` to `last`, or returns the same move if it is under way. Throws
 * `move_under_way` for any other, and `invalid_request` if the shards cannot move to `target`.
 */
export async function beginMove(env: Env, request: { first: number; last: number; target: string }): Promise<Move> {
  const { first, last, target } = request;
  const open = await openMove(env);
  if (open) {
    if (open.first === first && open.last === last && open.target === target) return open;
    throw new Refusal(
      "move_under_way",
      `The move of ${open.first}-${open.last} to ${open.target} is under way (${open.phase})`,
    );
  }
  if (!bindings(env).includes(target)) throw new Refusal("invalid_request", `SHARDS does not list ${target}`);
  const ranges = await readShardMap(env);
  const holders = ranges.filter((range) => range.first <= last && range.last >= first);
  const [source] = holders;
  if (!source || holders.some(({ binding }) => binding !== source.binding)) {
    throw new Refusal(
      "invalid_request",
      `${first}-${last} span several databases. Move those of one database at a time`,
    );
  }
  if (source.binding === target) throw new Refusal("invalid_request", `${first}-${last} are already in ${target}`);
  withMoved(ranges, { binding: target, first, last });
  // Of two requests at the same time, only one inserts a row.
  const begun = await Database.of(env.DB).patient.first<Move>(BEGIN, first, last, source.binding, target);
  return begun ?? beginMove(env, request);
}

const BEGIN = textOf(sql`
  INSERT INTO ${shardMoves} (${NEW_COLUMNS})
  SELECT ?1, ?2, ?3, ?4, ${named("preparing")}, '', 0 WHERE NOT EXISTS (SELECT 1 FROM ${shardMoves} WHERE ${IS_OPEN})
  RETURNING ${COLUMNS}`);

/**
 * Records the result of a step. Returns false, and changes nothing, if another step has advanced `move` since it was
 * read.
 */
export async function advance(env: Env, move: Move, result: StepResult): Promise<boolean> {
  const { phase = move.phase, place = "", moved = 0, reason = null, bookmark = null } = result;
  const changes = await Database.of(env.DB).patient.run(
    ADVANCE,
    phase,
    place,
    moved,
    reason,
    move.id,
    move.phase,
    move.place,
    bookmark,
  );
  return changes > 0;
}

const ADVANCE = textOf(sql`
  UPDATE ${shardMoves} SET ${bare(shardMoves.phase)} = ?1, ${bare(shardMoves.place)} = ?2,
    ${bare(shardMoves.moved)} = ?3, ${bare(shardMoves.reason)} = coalesce(${shardMoves.reason}, ?4),
    ${bare(shardMoves.bookmark)} = coalesce(?8, ${shardMoves.bookmark}),
    ${bare(shardMoves.publishedAt)} = iif(?1 = ${named("published")}, ${NOW}, ${shardMoves.publishedAt})
  WHERE ${shardMoves.id} = ?5 AND ${shardMoves.phase} = ?6 AND ${shardMoves.place} = ?7`);

/**
 * Aborts a move. Throws `too_late_to_abort` once the new map is published: from then on the target may have rows that
 * the source lacks.
 */
export async function abortMove(env: Env, id: number): Promise<Move> {
  for (;;) {
    const move = await moveOf(env, id);
    if (move.phase === "aborting" || move.phase === "aborted") return move;
    if (move.publishedFor !== null) throw new Refusal("too_late_to_abort");
    await advance(env, move, { phase: "aborting" });
  }
}
