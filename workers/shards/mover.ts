/** The exclusive hold of one step on the two databases of a move. */
import { PHASES } from "../../schema/tables/shards.ts";
import { databaseNamed } from "../../schema/d1/shards.ts";
import { ApiError } from "../../schema/api/refusals.ts";
import type { Move } from "./moves.ts";

/** `settled` is the key of the last like whose share of the digests has moved. */
export type Mover = { move: Move; holder: string; source: D1Database; target: D1Database; settled: string };

/**
 * Takes the move over from the step that held it, whose later writes are rejected from now on: its queries may still be
 * running although its request was abandoned. Throws when the move is past this step's phase. Costs one batch a
 * database.
 */
export async function take(env: Env, move: Move): Promise<Mover> {
  const holder = crypto.randomUUID();
  const [source, target] = [databaseNamed(env, move.source), databaseNamed(env, move.target)];
  const [, settled] = await Promise.all([source, target].map((database) => takeIn(database, move, holder)));
  return { move, holder, source, target, settled: settled ?? "" };
}

async function takeIn(database: D1Database, { id, first, last, phase }: Move, holder: string): Promise<string> {
  const reached = PHASES.indexOf(phase);
  const [, taken] = await database.batch<{ settled: string }>([
    database
      .prepare(
        `INSERT INTO moving_shards (move, first, last, phase, holder, noting, settled)
         VALUES (?, ?, ?, ?, ?, 0, '') ON CONFLICT DO NOTHING`,
      )
      .bind(id, first, last, reached, holder),
    database
      .prepare("UPDATE moving_shards SET phase = ?1, holder = ?2 WHERE move = ?3 AND phase <= ?1 RETURNING settled")
      .bind(reached, holder, id),
  ]);
  const [row] = taken?.results ?? [];
  if (!row) throw new ApiError("unavailable", TAKEN_OVER);
  return row.settled;
}

/**
 * Runs `statements` in one transaction, in which no trigger counts, notes or rejects anything. The whole transaction
 * fails when another step has taken the move over, because its first statement then finds no holder and inserts NULL.
 */
export async function asMover<T>(
  database: D1Database,
  { move, holder }: Mover,
  statements: readonly D1PreparedStatement[],
): Promise<D1Result<T>[]> {
  try {
    const results = await database.batch<T>([
      database
        .prepare("INSERT INTO mover (holder) VALUES ((SELECT holder FROM moving_shards WHERE move = ? AND holder = ?))")
        .bind(move.id, holder),
      ...statements,
      database.prepare("DELETE FROM mover"),
    ]);
    return results.slice(1, -1);
  } catch (error) {
    if (/NOT NULL constraint failed: mover\.holder/.test(String(error))) throw new ApiError("unavailable", TAKEN_OVER);
    throw error;
  }
}

const TAKEN_OVER = "Another step has taken over this move. Try again";

/** A statement that makes the database reject changes to the shards of the move. */
export const closeStatement = (database: D1Database, { move }: Mover): D1PreparedStatement =>
  database
    .prepare("INSERT INTO closed_shards (first, last) VALUES (?, ?) ON CONFLICT DO NOTHING")
    .bind(move.first, move.last);

/** Statements that make the database accept them again. The rest of a wider range that was closed stays closed. */
export const openStatements = (database: D1Database, { move }: Mover): D1PreparedStatement[] =>
  [LEFT_OF_IT, RIGHT_OF_IT, ALL_OF_IT].map((sql) => database.prepare(sql).bind(move.first, move.last));

const OVERLAPS = "first <= ?2 AND last >= ?1";
const LEFT_OF_IT = `
  INSERT INTO closed_shards SELECT first, ?1 - 1 FROM closed_shards WHERE first < ?1 AND ${OVERLAPS}
  ON CONFLICT DO NOTHING`;
const RIGHT_OF_IT = `
  INSERT INTO closed_shards SELECT ?2 + 1, last FROM closed_shards WHERE last > ?2 AND ${OVERLAPS}
  ON CONFLICT DO NOTHING`;
const ALL_OF_IT = `DELETE FROM closed_shards WHERE ${OVERLAPS}`;

/** Statements that turn the noting of changes on or off for the shards of the move. A switch deletes earlier notes. */
export const notingStatements = (database: D1Database, { move }: Mover, noting: boolean): D1PreparedStatement[] => [
  database
    .prepare("DELETE FROM noted_changes WHERE EXISTS (SELECT 1 FROM moving_shards WHERE move = ? AND noting <> ?)")
    .bind(move.id, Number(noting)),
  database.prepare("UPDATE moving_shards SET noting = ?2 WHERE move = ?1").bind(move.id, Number(noting)),
];
