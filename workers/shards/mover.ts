/** The exclusive hold of one step on the two databases of a move. */
import { getTableName, sql } from "drizzle-orm";
import { statement, type Statement, type Result, type Database } from "../../schema/d1/database.ts";
import { closedShards, mover, movingShards, notedChanges, PHASES } from "../../schema/tables/shards.ts";
import { databaseNamed } from "../../schema/d1/shards.ts";
import { bare, list, textOf } from "../../schema/d1/sql.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import type { Move } from "./moves.ts";

/** `settled` is the key of the last like whose share of the digests has moved. */
export type Mover = { move: Move; holder: string; source: Database; target: Database; settled: string };

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

async function takeIn(database: Database, { id, first, last, phase }: Move, holder: string): Promise<string> {
  const reached = PHASES.indexOf(phase);
  const [, taken] = await database.patient.batch<Pick<typeof movingShards.$inferSelect, "settled">>([
    statement(ENTER, id, first, last, reached, holder),
    statement(TAKE, id, reached, holder),
  ]);
  const [row] = taken?.rows ?? [];
  if (!row) throw new Refusal("unavailable", TAKEN_OVER);
  return row.settled;
}

const ENTER = textOf(sql`
  INSERT INTO ${movingShards} (${list(
    movingShards.move,
    movingShards.first,
    movingShards.last,
    movingShards.phase,
    movingShards.holder,
    movingShards.noting,
    movingShards.settled,
  )})
  VALUES (?1, ?2, ?3, ?4, ?5, 0, '') ON CONFLICT DO NOTHING`);
const TAKE = textOf(sql`
  UPDATE ${movingShards} SET ${bare(movingShards.phase)} = ?2, ${bare(movingShards.holder)} = ?3
  WHERE ${movingShards.move} = ?1 AND ${movingShards.phase} <= ?2 RETURNING ${bare(movingShards.settled)}`);

/**
 * Runs `statements` in one transaction, in which no trigger counts, notes or rejects anything. The whole transaction
 * fails when another step has taken the move over, because its first statement then finds no holder and inserts NULL.
 */
export async function asMover<T>(
  database: Database,
  { move, holder }: Mover,
  statements: readonly Statement[],
): Promise<Result<T>[]> {
  try {
    const all = [statement(BEGIN, move.id, holder), ...statements, statement(END)];
    return (await database.patient.batch<T>(all)).slice(1, -1);
  } catch (error) {
    if (String(error).includes(HAS_NO_HOLDER)) throw new Refusal("unavailable", TAKEN_OVER);
    throw error;
  }
}

const BEGIN = textOf(sql`
  INSERT INTO ${mover} (${bare(mover.holder)}) VALUES ((
    SELECT ${movingShards.holder} FROM ${movingShards}
    WHERE ${movingShards.move} = ?1 AND ${movingShards.holder} = ?2))`);
const END = textOf(sql`DELETE FROM ${mover}`);
const HAS_NO_HOLDER = `NOT NULL constraint failed: ${getTableName(mover)}.${mover.holder.name}`;
const TAKEN_OVER = "Another step has taken over this move. Try again";

/** A statement that makes the database reject changes to the shards of the move. */
export const closeStatement = ({ move }: Mover): Statement => statement(CLOSE, move.first, move.last);

/** Statements that make the database accept them again. The rest of a wider range that was closed stays closed. */
export const openStatements = ({ move }: Mover): Statement[] =>
  [KEEP_LEFT, KEEP_RIGHT, OPEN].map((text) => statement(text, move.first, move.last));

const RANGE = list(closedShards.first, closedShards.last);
const OVERLAPS = sql`${closedShards.first} <= ?2 AND ${closedShards.last} >= ?1`;
const CLOSE = textOf(sql`INSERT INTO ${closedShards} (${RANGE}) VALUES (?1, ?2) ON CONFLICT DO NOTHING`);
const KEEP_LEFT = textOf(sql`
  INSERT INTO ${closedShards} (${RANGE})
  SELECT ${closedShards.first}, ?1 - 1 FROM ${closedShards} WHERE ${closedShards.first} < ?1 AND ${OVERLAPS}
  ON CONFLICT DO NOTHING`);
const KEEP_RIGHT = textOf(sql`
  INSERT INTO ${closedShards} (${RANGE})
  SELECT ?2 + 1, ${closedShards.last} FROM ${closedShards} WHERE ${closedShards.last} > ?2 AND ${OVERLAPS}
  ON CONFLICT DO NOTHING`);
const OPEN = textOf(sql`DELETE FROM ${closedShards} WHERE ${OVERLAPS}`);

/** Statements that turn the noting of changes on or off for the shards of the move. A switch deletes earlier notes. */
export const notingStatements = ({ move }: Mover, noting: boolean): Statement[] =>
  [FORGET_NOTES, SET_NOTING].map((text) => statement(text, move.id, Number(noting)));

const FORGET_NOTES = textOf(sql`
  DELETE FROM ${notedChanges}
  WHERE EXISTS (SELECT 1 FROM ${movingShards} WHERE ${movingShards.move} = ?1 AND ${movingShards.noting} <> ?2)`);
const SET_NOTING = textOf(sql`
  UPDATE ${movingShards} SET ${bare(movingShards.noting)} = ?2 WHERE ${movingShards.move} = ?1`);
