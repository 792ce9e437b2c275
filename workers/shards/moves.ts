/** The record of moves, in the database DB: what the operator asks of it, and how each step goes on from the last. */
import { bindings, readShards, withMoved } from "../../schema/d1/shards.ts";
import type { Phase } from "../../schema/tables/shards.ts";
import { ApiError } from "../../schema/api/refusals.ts";

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
  /** Since it was published, in ms, by the clock of DB. */
  publishedFor: number | null;
};

/** What a step has come to. Without a phase, the same one goes on. */
export type Outcome = { phase?: Phase; place?: string; moved?: number; reason?: string };

const COLUMNS = `id, first, last, source, target, phase, place, moved, reason,
  cast(unixepoch('subsec') * 1000 AS INTEGER) - published_at AS publishedFor`;
const IS_OPEN = "phase NOT IN ('done', 'aborted')";

/** The move that is under way. One query. */
export async function openMove(env: Env): Promise<Move | undefined> {
  return (await env.DB.prepare(`SELECT ${COLUMNS} FROM shard_moves WHERE ${IS_OPEN}`).first<Move>()) ?? undefined;
}

export async function moveOf(env: Env, id: number): Promise<Move> {
  const move = await env.DB.prepare(`SELECT ${COLUMNS} FROM shard_moves WHERE id = ?`).bind(id).first<Move>();
  if (!move) throw new ApiError("not_found");
  return move;
}

/** Begins to move the shards from `first` to `last`, or finds the same move under way. Another one is refused. */
export async function beginMove(env: Env, asked: { first: number; last: number; target: string }): Promise<Move> {
  const { first, last, target } = asked;
  const open = await openMove(env);
  if (open) {
    if (open.first === first && open.last === last && open.target === target) return open;
    throw new ApiError("move_under_way", `${open.first}-${open.last} to ${open.target} is ${open.phase}`);
  }
  if (!bindings(env).includes(target)) throw new ApiError("invalid_request", `SHARDS does not name ${target}`);
  const ranges = await readShards(env);
  const holders = ranges.filter((range) => range.first <= last && range.last >= first);
  const [source] = holders;
  if (!source || holders.some(({ binding }) => binding !== source.binding)) {
    throw new ApiError("invalid_request", `${first}-${last} are in several databases: move one's at a time`);
  }
  if (source.binding === target) throw new ApiError("invalid_request", `${first}-${last} are in ${target} already`);
  withMoved(ranges, { binding: target, first, last });
  // Of two that begin at the same time, one does.
  const begun = await env.DB.prepare(
    `INSERT INTO shard_moves (first, last, source, target, phase, place, moved)
     SELECT ?, ?, ?, ?, 'preparing', '', 0 WHERE NOT EXISTS (SELECT 1 FROM shard_moves WHERE ${IS_OPEN})
     RETURNING ${COLUMNS}`,
  )
    .bind(first, last, source.binding, target)
    .first<Move>();
  return begun ?? beginMove(env, asked);
}

/** Goes on from `move` as it was read. False when another step has done so in the meantime: what it did then counts. */
export async function advance(env: Env, move: Move, outcome: Outcome): Promise<boolean> {
  const { phase = move.phase, place = "", moved = 0, reason = null } = outcome;
  const { meta } = await env.DB.prepare(
    `UPDATE shard_moves SET phase = ?1, place = ?2, moved = ?3, reason = coalesce(reason, ?4),
       published_at = iif(?1 = 'published', cast(unixepoch('subsec') * 1000 AS INTEGER), published_at)
     WHERE id = ?5 AND phase = ?6 AND place = ?7`,
  )
    .bind(phase, place, moved, reason, move.id, move.phase, move.place)
    .run();
  return meta.changes > 0;
}

/** Until it is published. From then on there are, or may soon be, rows in the target that the source does not have. */
export async function abortMove(env: Env, id: number): Promise<Move> {
  for (;;) {
    const move = await moveOf(env, id);
    if (move.phase === "aborting" || move.phase === "aborted") return move;
    if (move.publishedFor !== null) throw new ApiError("too_late_to_abort");
    await advance(env, move, { phase: "aborting" });
  }
}
