/** The record of moves in the database DB: operators begin and abort moves, and each step advances them. */
import { bindings, readShards, withMoved } from "../../schema/d1/shards.ts";
import type { Phase } from "../../schema/tables/shards.ts";
import { ApiError } from "../../schema/api/refusals.ts";

/** A move of the logical shards from `first` to `last`, both included. `place` is where the current phase continues. */
export type Move = {
  id: number;
  first: number;
  last: number;
  source: string;
  target: string;
  phase: Phase;
  place: string;
  moved: number;
  reason: string | null;
  /** The time since the new map was published, in ms, by the clock of DB. */
  publishedFor: number | null;
};

/** The result of a step. Without `phase`, the current phase continues. */
export type StepResult = { phase?: Phase; place?: string; moved?: number; reason?: string };

const COLUMNS = `id, first, last, source, target, phase, place, moved, reason,
  cast(unixepoch('subsec') * 1000 AS INTEGER) - published_at AS publishedFor`;
const IS_OPEN = "phase NOT IN ('done', 'aborted')";

/** Returns the move that is under way, if any. Costs one query. */
export async function openMove(env: Env): Promise<Move | undefined> {
  return (await env.DB.prepare(`SELECT ${COLUMNS} FROM shard_moves WHERE ${IS_OPEN}`).first<Move>()) ?? undefined;
}

/** Returns the move, or throws `not_found`. */
export async function moveOf(env: Env, id: number): Promise<Move> {
  const move = await env.DB.prepare(`SELECT ${COLUMNS} FROM shard_moves WHERE id = ?`).bind(id).first<Move>();
  if (!move) throw new ApiError("not_found");
  return move;
}

/**
 * Begins to move the shards from `first` to `last`, or returns the same move if it is under way. Throws
 * `move_under_way` for any other, and `invalid_request` if the shards cannot move to `target`.
 */
export async function beginMove(env: Env, request: { first: number; last: number; target: string }): Promise<Move> {
  const { first, last, target } = request;
  const open = await openMove(env);
  if (open) {
    if (open.first === first && open.last === last && open.target === target) return open;
    throw new ApiError(
      "move_under_way",
      `The move of ${open.first}-${open.last} to ${open.target} is under way (${open.phase})`,
    );
  }
  if (!bindings(env).includes(target)) throw new ApiError("invalid_request", `SHARDS does not list ${target}`);
  const ranges = await readShards(env);
  const holders = ranges.filter((range) => range.first <= last && range.last >= first);
  const [source] = holders;
  if (!source || holders.some(({ binding }) => binding !== source.binding)) {
    throw new ApiError(
      "invalid_request",
      `${first}-${last} span several databases. Move those of one database at a time`,
    );
  }
  if (source.binding === target) throw new ApiError("invalid_request", `${first}-${last} are already in ${target}`);
  withMoved(ranges, { binding: target, first, last });
  // Of two requests at the same time, only one inserts a row.
  const begun = await env.DB.prepare(
    `INSERT INTO shard_moves (first, last, source, target, phase, place, moved)
     SELECT ?, ?, ?, ?, 'preparing', '', 0 WHERE NOT EXISTS (SELECT 1 FROM shard_moves WHERE ${IS_OPEN})
     RETURNING ${COLUMNS}`,
  )
    .bind(first, last, source.binding, target)
    .first<Move>();
  return begun ?? beginMove(env, request);
}

/**
 * Records the result of a step. Returns false, and changes nothing, if another step has advanced `move` since it was
 * read.
 */
export async function advance(env: Env, move: Move, result: StepResult): Promise<boolean> {
  const { phase = move.phase, place = "", moved = 0, reason = null } = result;
  const { meta } = await env.DB.prepare(
    `UPDATE shard_moves SET phase = ?1, place = ?2, moved = ?3, reason = coalesce(reason, ?4),
       published_at = iif(?1 = 'published', cast(unixepoch('subsec') * 1000 AS INTEGER), published_at)
     WHERE id = ?5 AND phase = ?6 AND place = ?7`,
  )
    .bind(phase, place, moved, reason, move.id, move.phase, move.place)
    .run();
  return meta.changes > 0;
}

/**
 * Aborts a move. Throws `too_late_to_abort` once the new map is published: from then on the target may have rows that
 * the source lacks.
 */
export async function abortMove(env: Env, id: number): Promise<Move> {
  for (;;) {
    const move = await moveOf(env, id);
    if (move.phase === "aborting" || move.phase === "aborted") return move;
    if (move.publishedFor !== null) throw new ApiError("too_late_to_abort");
    await advance(env, move, { phase: "aborting" });
  }
}
