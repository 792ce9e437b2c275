/** One step's hold on the two databases of a move. */
import { PHASES } from "../../schema/tables/shards.ts";
import { databaseNamed } from "../../schema/d1/shards.ts";
import { ApiError } from "../../schema/api/refusals.ts";
import type { Move } from "./moves.ts";

/** `settled`: up to which like the digests have moved. */
export type Mover = { move: Move; holder: string; source: D1Database; target: D1Database; settled: string };

/**
 * Takes the move over from whichever step had it: what an earlier one still writes is refused from now on. That matters
 * when a request was given up on and its queries go on. Throws when the move is past this step's phase. One batch a
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
 * Runs `statements` in one transaction, in which no trigger counts, notes or refuses anything. Fails as a whole when
 * another step has taken the move over: the first statement then has no holder to write.
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

const TAKEN_OVER = "Another step has taken the move over";

/** From now on the database refuses changes to the shards of the move. */
export const closeStatement = (database: D1Database, { move }: Mover): D1PreparedStatement =>
  database
    .prepare("INSERT INTO closed_shards (first, last) VALUES (?, ?) ON CONFLICT DO NOTHING")
    .bind(move.first, move.last);

/** From now on it takes them. Of a wider range that was closed before, the rest stays closed. */
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

/** Whether the database notes changes to the shards of the move. Those noted before are forgotten when that changes. */
export const notingStatements = (database: D1Database, { move }: Mover, noting: boolean): D1PreparedStatement[] => [
  database
    .prepare("DELETE FROM noted_changes WHERE EXISTS (SELECT 1 FROM moving_shards WHERE move = ? AND noting <> ?)")
    .bind(move.id, Number(noting)),
  database.prepare("UPDATE moving_shards SET noting = ?2 WHERE move = ?1").bind(move.id, Number(noting)),
];
