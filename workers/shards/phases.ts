/**
 * The phases of a move. Each step does a bounded piece of one phase, and may be repeated from its beginning after a
 * crash, by two operators at once, or by an abandoned request. docs/decisions/0018-moving-shards.md explains why
 * nothing is lost or doubled meanwhile.
 */
import { getTableName } from "drizzle-orm";
import { type Database, statement } from "../../schema/d1/database.ts";
import { bindings, MAP_LASTS, MAP_LEASE } from "../../schema/d1/shards.ts";
import { likes } from "../../schema/tables/posts.ts";
import { copyClosedPeople } from "../closing/close.ts";
import type { Phase } from "../../schema/tables/shards.ts";
import { keysWithoutNote, type Replayed, replay } from "./changes.ts";
import { settleDigests } from "./digests.ts";
import { asMover, closeStatement, type Mover, notingStatements, openStatements, take } from "./mover.ts";
import { advance, type Move, moveOf, openMove, type StepResult } from "./moves.ts";
import { differing, writeStatements } from "./rows.ts";
import { triggerStatements } from "./triggers.ts";
import { deleteIn, rowsIn, walk, type Window } from "./windows.ts";

/** Allows for jumps of a database's clock, in ms. */
const MARGIN = 1000;
/** The most batches of notes that one step replays. */
const REPLAYS_PER_STEP = 10;

/** Does the next piece of work, if its time has come, and returns the move as it is then. */
export async function runStep(env: Env, id: number): Promise<Move> {
  const move = await moveOf(env, id);
  const run = STEPS[move.phase];
  if (!run || waitMs(move) > 0) return move;
  await advance(env, move, await run(await take(env, move)));
  return moveOf(env, id);
}

/**
 * Run by cron: advances an abandoned move through the phases in which the moving people cannot write. Costs one query,
 * or none with a single database.
 */
export async function advanceFencedMove(env: Env): Promise<void> {
  if (bindings(env).length === 1) return;
  const move = await openMove(env);
  if (move && PAUSED.has(move.phase)) await runStep(env, move.id);
}

const PAUSED = new Set<Phase>(["fenced", "aborting", "published"]);

/**
 * Returns how long the next step has to wait, in ms: first until every isolate has the new map, then until none uses
 * the old one.
 */
export function waitMs({ phase, publishedFor }: Pick<Move, "phase" | "publishedFor">): number {
  const until = WAITS[phase];
  return until === undefined ? 0 : Math.max(0, until + MARGIN - (publishedFor ?? 0));
}

// The second half of the latter covers requests that began with the old map and are still reading.
const WAITS: Partial<Record<Phase, number>> = { published: MAP_LEASE, cleaning: 2 * MAP_LASTS };

const STEPS: Partial<Record<Phase, (mover: Mover) => Promise<StepResult>>> = {
  preparing: prepare,
  copying: copy,
  catching_up: catchUp,
  verifying: verify,
  fenced: finish,
  aborting: takeBack,
  published: open,
  cleaning: clean,
};

/**
 * Makes the target reject all writes but the mover's, and the source note changes. The target learns which accounts are
 * closed before it gets any rows, since it may be new.
 */
async function prepare(mover: Mover): Promise<StepResult> {
  const { source, target } = mover;
  await copyClosedPeople(source.patient, target.patient);
  await Promise.all([source, target].map((database) => database.patient.batch(triggerStatements())));
  await asMover(target, mover, [closeStatement(mover)]);
  await asMover(source, mover, notingStatements(mover, true));
  return { phase: "copying" };
}

async function copy(mover: Mover): Promise<StepResult> {
  const { move, source, target } = mover;
  const walked = await walk(move, source, async (window) => {
    const rows = await rowsIn(source, move, window);
    if (rows.length > 0) await asMover(target, mover, writeStatements(window.table, rows));
    return rows.length;
  });
  return walked.isDone ? { phase: "catching_up" } : walked;
}

async function catchUp(mover: Mover): Promise<StepResult> {
  const { place, moved } = mover.move;
  const { rows, isLast, difference } = await replayed(mover);
  if (difference !== undefined) return different(difference);
  return isLast ? { phase: "verifying" } : { place, moved: moved + rows };
}

/** Compares every row while people keep writing: a row may differ only if its change was noted. */
async function verify(mover: Mover): Promise<StepResult> {
  const { move, source } = mover;
  let difference: string | undefined;
  const walked = await walk(move, source, async (window) => {
    const { found, rows } = await compare(mover, window);
    difference ??= found;
    return rows;
  });
  const { isLast, difference: copied } = await replayed(mover);
  difference ??= copied;
  if (difference !== undefined) return different(difference);
  return walked.isDone && isLast ? { phase: "fenced" } : walked;
}

async function compare(mover: Mover, window: Window): Promise<{ found: string | undefined; rows: number }> {
  const { move, source, target } = mover;
  const { table } = window;
  // Reads the target first: any change that only the source shows was noted before the notes are read below.
  const copies = await rowsIn(target, move, window);
  const rows = await rowsIn(source, move, window);
  const keys = differing(table, rows, copies);
  const [found] = keys.length > 0 ? await keysWithoutNote(mover, table, keys) : [];
  return { found: found && `${table.name} ${found}`, rows: rows.length };
}

/** Closes the shards at the source, so that no more changes are noted, and replays the last notes. */
async function finish(mover: Mover): Promise<StepResult> {
  const { source, target, move } = mover;
  await asMover(source, mover, [closeStatement(mover)]);
  const { isLast, difference } = await replayed(mover);
  if (difference !== undefined) return different(difference);
  return isLast ? { phase: "published", bookmark: await bookmarkOf(target) } : { place: move.place };
}

/** Returns the bookmark of the present state of a database. Costs one query of no rows. */
async function bookmarkOf(database: Database): Promise<string | undefined> {
  return (await database.patient.inSession([statement("SELECT 1")], "first-primary")).bookmark;
}

const different = (difference: string): StepResult => ({
  phase: "aborting",
  reason: `the databases differ in ${difference}`,
});

/** Makes the source accept writes again, then deletes the copies at the target, which keeps rejecting writes. */
async function takeBack(mover: Mover): Promise<StepResult> {
  const { move, source, target } = mover;
  await asMover(source, mover, [...openStatements(mover), ...notingStatements(mover, false)]);
  const walked = await walk(move, target, async (window) => {
    const [deleted] = await asMover(target, mover, [deleteIn(move, window)]);
    return deleted?.changes ?? 0;
  });
  return walked.isDone ? { phase: "aborted" } : walked;
}

/** Opens the shards at the target, now that every isolate has the new map. */
async function open(mover: Mover): Promise<StepResult> {
  const { target } = mover;
  await asMover(target, mover, openStatements(mover));
  return { phase: "cleaning" };
}

/** Deletes the rows at the source, where nobody reads them any more. It keeps rejecting late writes. */
async function clean(mover: Mover): Promise<StepResult> {
  const { move, source } = mover;
  const walked = await walk(move, source, async (window) => {
    const shares = window.table.name === getTableName(likes) ? await settleDigests(mover, window) : [];
    const results = await asMover(source, mover, [...shares, deleteIn(move, window)]);
    return results.at(-1)?.changes ?? 0;
  });
  if (!walked.isDone) return walked;
  await asMover(source, mover, notingStatements(mover, false));
  return { phase: "done" };
}

/** Replays notes until none are left, or up to REPLAYS_PER_STEP batches. */
async function replayed(mover: Mover): Promise<Replayed> {
  let rows = 0;
  for (let batches = 0; batches < REPLAYS_PER_STEP; batches += 1) {
    const { isLast, difference, ...replaying } = await replay(mover);
    rows += replaying.rows;
    if (isLast || difference !== undefined) return { rows, isLast, difference };
  }
  return { rows, isLast: false, difference: undefined };
}
