/**
 * A move, phase by phase. Each step does a bounded piece of one phase and may be repeated from its beginning: after a
 * crash, by two operators at once, by a request that was given up on. docs/decisions/0018-moving-shards.md says why
 * nothing is lost or doubled meanwhile.
 */
import { bindings, MAP_LASTS, MAP_LEASE } from "../../schema/d1/shards.ts";
import type { Phase } from "../../schema/tables/shards.ts";
import { notNoted, type Replayed, replay } from "./changes.ts";
import { settleDigests } from "./digests.ts";
import { asMover, closeStatement, type Mover, notingStatements, openStatements, take } from "./mover.ts";
import { advance, type Move, moveOf, openMove, type Outcome } from "./moves.ts";
import { differing, writeStatements } from "./rows.ts";
import { triggerStatements } from "./triggers.ts";
import { deleteIn, rowsIn, walk, type Window } from "./windows.ts";

/** More than the clock of a database may jump by, in ms. */
const MARGIN = 1000;
/** Batches of notes that one step replays. */
const REPLAYS_PER_STEP = 10;

/** Does the next piece, and gives back where the move stands then. */
export async function step(env: Env, id: number): Promise<Move> {
  const move = await moveOf(env, id);
  const run = STEPS[move.phase];
  if (!run || waitOf(move) > 0) return move;
  await advance(env, move, await run(await take(env, move)));
  return moveOf(env, id);
}

/**
 * For cron: goes on with a move that nobody goes on with, where it must not stay: while the moving people cannot write.
 * Costs one query, and none with one database.
 */
export async function finishFencedMove(env: Env): Promise<void> {
  if (bindings(env).length === 1) return;
  const move = await openMove(env);
  if (move && PAUSED.has(move.phase)) await step(env, move.id);
}

const PAUSED = new Set<Phase>(["fenced", "aborting", "published"]);

/** How long, in ms, the next step has to wait: until every isolate has the new map, and then until nobody has the old one. */
export function waitOf({ phase, publishedFor }: Pick<Move, "phase" | "publishedFor">): number {
  const until = WAITS[phase];
  return until === undefined ? 0 : Math.max(0, until + MARGIN - (publishedFor ?? 0));
}

// The second half of the latter is for what began with such a map and still reads.
const WAITS: Partial<Record<Phase, number>> = { published: MAP_LEASE, cleaning: 2 * MAP_LASTS };

const STEPS: Partial<Record<Phase, (mover: Mover) => Promise<Outcome>>> = {
  preparing: prepare,
  copying: copy,
  catching_up: catchUp,
  verifying: verify,
  fenced: finish,
  aborting: takeBack,
  published: open,
  cleaning: clean,
};

/** The target refuses from now on what is not the mover's; the source notes what changes. */
async function prepare(mover: Mover): Promise<Outcome> {
  const { source, target } = mover;
  await Promise.all([source, target].map((database) => database.batch(triggerStatements(database))));
  await asMover(target, mover, [closeStatement(target, mover)]);
  await asMover(source, mover, notingStatements(source, mover, true));
  return { phase: "copying" };
}

async function copy(mover: Mover): Promise<Outcome> {
  const { move, source, target } = mover;
  const walked = await walk(move, source, async (window) => {
    const rows = await rowsIn(source, move, window);
    if (rows.length > 0) await asMover(target, mover, writeStatements(target, window.table, rows));
    return rows.length;
  });
  return walked.isDone ? { phase: "catching_up" } : walked;
}

async function catchUp(mover: Mover): Promise<Outcome> {
  const { place, moved } = mover.move;
  const { rows, isLast, difference } = await replayed(mover);
  if (difference !== undefined) return different(difference);
  return isLast ? { phase: "verifying" } : { place, moved: moved + rows };
}

/** Compares every row while people go on writing: what differs must have been noted. */
async function verify(mover: Mover): Promise<Outcome> {
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
  // The source after the target: a change that only one of the two shows was then noted before this has read the notes.
  const copies = await rowsIn(target, move, window);
  const rows = await rowsIn(source, move, window);
  const keys = differing(table, rows, copies);
  const [found] = keys.length > 0 ? await notNoted(mover, table, keys) : [];
  return { found: found && `${table.name} ${found}`, rows: rows.length };
}

/** Nobody writes from now on, so what is noted becomes no more. */
async function finish(mover: Mover): Promise<Outcome> {
  const { source, move } = mover;
  await asMover(source, mover, [closeStatement(source, mover)]);
  const { isLast, difference } = await replayed(mover);
  if (difference !== undefined) return different(difference);
  return isLast ? { phase: "published" } : { place: move.place };
}

const different = (difference: string): Outcome => ({
  phase: "aborting",
  reason: `the databases differ in ${difference}`,
});

/** The source takes writes again at once; what the target has of it goes, and stays refused there. */
async function takeBack(mover: Mover): Promise<Outcome> {
  const { move, source, target } = mover;
  await asMover(source, mover, [...openStatements(source, mover), ...notingStatements(source, mover, false)]);
  const walked = await walk(move, target, async (window) => {
    const [deleted] = await asMover(target, mover, [deleteIn(target, move, window)]);
    return deleted?.meta.changes ?? 0;
  });
  return walked.isDone ? { phase: "aborted" } : walked;
}

/** Every isolate has the new map: writes go on, at the target. */
async function open(mover: Mover): Promise<Outcome> {
  const { target } = mover;
  await asMover(target, mover, openStatements(target, mover));
  return { phase: "cleaning" };
}

/** Nobody reads at the source any more. It goes on refusing what comes late. */
async function clean(mover: Mover): Promise<Outcome> {
  const { move, source } = mover;
  const walked = await walk(move, source, async (window) => {
    const shares = window.table.name === "likes" ? await settleDigests(mover, window) : [];
    const results = await asMover(source, mover, [...shares, deleteIn(source, move, window)]);
    return results.at(-1)?.meta.changes ?? 0;
  });
  if (!walked.isDone) return walked;
  await asMover(source, mover, notingStatements(source, mover, false));
  return { phase: "done" };
}

/** Replays notes until there are none, or enough of them. */
async function replayed(mover: Mover): Promise<Replayed> {
  let rows = 0;
  for (let batches = 0; batches < REPLAYS_PER_STEP; batches += 1) {
    const { isLast, difference, ...replaying } = await replay(mover);
    rows += replaying.rows;
    if (isLast || difference !== undefined) return { rows, isLast, difference };
  }
  return { rows, isLast: false, difference: undefined };
}
