/** The operator's commands for moving shards between databases. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ShardMap, ShardMove } from "../../schema/api/shards.ts";
import { StartError } from "../process/start-error.ts";
import type { Operator } from "./operator.ts";

/** What each phase does, as it is printed. */
const DESCRIPTIONS: Record<ShardMove["phase"], string> = {
  preparing: "preparing both databases",
  copying: "copying",
  catching_up: "copying the changes made meanwhile",
  verifying: "comparing every row",
  fenced: "writes are paused for the people of these shards: copying the last changes",
  published: "writes are paused for the people of these shards: waiting until every isolate has the new map",
  cleaning: "writes go to the new database: deleting the rows from the old one",
  done: "done",
  aborting: "deleting what was copied",
  aborted: "aborted, nothing has moved",
};

/** Prints which database holds which shards, and the move in progress, if any. */
export async function showShards(operator: Operator): Promise<number> {
  const { ranges, move } = await operator.get<ShardMap>("/v1/admin/shards");
  for (const { first, last, database } of ranges) console.log(`${first}-${last}  ${database}`);
  if (move)
    console.log(`Move in progress: ${describe(move)}. To resume it: move-shards ${rangeOf(move)} ${move.target}`);
  return 0;
}

/**
 * Starts or resumes the move of `range` ("4096-8191") to the database bound as `target`. Returns 1 if it was aborted.
 */
export async function moveShards(operator: Operator, range: string, target: string): Promise<number> {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(range) ?? [];
  if (first === undefined) throw new StartError(`"${range}" is not a range of shards. Write it like 4096-8191.`);
  const requested = { first: Number(first), last: Number(last), target };
  return finish(operator, await operator.insist<ShardMove>("/v1/admin/shards/moves", requested));
}

/** Aborts the move in progress. The server refuses once the new map is published. */
export async function abortMove(operator: Operator): Promise<number> {
  const { move } = await operator.get<ShardMap>("/v1/admin/shards");
  if (!move) throw new StartError("No move is in progress.");
  await finish(operator, await operator.insist<ShardMove>(`/v1/admin/shards/moves/${move.id}/abort`));
  return 0;
}

/** Runs the steps of a move until it is done or aborted, and prints each phase. Returns the exit code. */
async function finish(operator: Operator, begun: ShardMove): Promise<number> {
  const started = performance.now();
  let pausedAt: number | undefined;
  let move = begun;
  console.log(describe(move));
  while (move.phase !== "done" && move.phase !== "aborted") {
    await sleep(move.waitMs);
    const next = await operator.insist<ShardMove>(`/v1/admin/shards/moves/${move.id}/steps`);
    if (next.phase !== move.phase) {
      if (next.phase === "fenced" || next.phase === "published") pausedAt ??= performance.now();
      console.log(describe(next));
      if (next.phase === "cleaning" && pausedAt !== undefined)
        console.log(`Writes were paused for at most ${since(pausedAt)}`);
    }
    move = next;
  }
  console.log(`${rangeOf(move)}: ${move.phase} after ${since(started)}`);
  return move.phase === "done" ? 0 : 1;
}

const since = (start: number): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;
const rangeOf = ({ first, last }: ShardMove): string => `${first}-${last}`;

function describe(move: ShardMove): string {
  const { source, target, phase, moved, reason } = move;
  const rows = moved > 0 ? ` (${moved} rows)` : "";
  return `${rangeOf(move)} from ${source} to ${target}: ${DESCRIPTIONS[phase]}${rows}${reason === undefined ? "" : `, because ${reason}`}`;
}
