/** Moving shards between databases, as the operator sees it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ShardMap, ShardMove } from "../schema/api/shards.ts";
import type { Operator } from "./operator.ts";
import { StartError } from "./start-error.ts";

/** What a phase does, for who watches. */
const DOES: Record<ShardMove["phase"], string> = {
  preparing: "preparing both databases",
  copying: "copying",
  catching_up: "copying what has changed meanwhile",
  verifying: "comparing every row",
  fenced: "the people of these shards cannot write: copying the last changes",
  published: "the people of these shards cannot write: waiting until the new map is known everywhere",
  cleaning: "they write again, in the new place: deleting the rows in the old one",
  done: "done",
  aborting: "taking back what was copied",
  aborted: "aborted: everything is where it was",
};

/** Shows which database holds which shards, and what is being moved. */
export async function showShards(operator: Operator): Promise<number> {
  const { ranges, move } = await operator.get<ShardMap>("/v1/admin/shards");
  for (const { first, last, database } of ranges) console.log(`${first}-${last}  ${database}`);
  if (move) console.log(`Being moved: ${told(move)}. Go on: move-shards ${rangeOf(move)} ${move.target}`);
  return 0;
}

/** Moves `range` ("4096-8191") to the database bound as `target`, or goes on with that move. Ends with 1 if it was aborted. */
export async function moveShards(operator: Operator, range: string, target: string): Promise<number> {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(range) ?? [];
  if (first === undefined) throw new StartError(`Cannot read "${range}": shards are named like 4096-8191.`);
  const asked = { first: Number(first), last: Number(last), target };
  return goOn(operator, await operator.insist<ShardMove>("/v1/admin/shards/moves", asked));
}

/** Takes back the move that is under way. */
export async function abortMove(operator: Operator): Promise<number> {
  const { move } = await operator.get<ShardMap>("/v1/admin/shards");
  if (!move) throw new StartError("Nothing is being moved.");
  await goOn(operator, await operator.insist<ShardMove>(`/v1/admin/shards/moves/${move.id}/abort`));
  return 0;
}

async function goOn(operator: Operator, begun: ShardMove): Promise<number> {
  const started = performance.now();
  let pausedAt: number | undefined;
  let move = begun;
  console.log(told(move));
  while (move.phase !== "done" && move.phase !== "aborted") {
    await sleep(move.waitMs);
    const next = await operator.insist<ShardMove>(`/v1/admin/shards/moves/${move.id}/steps`);
    if (next.phase !== move.phase) {
      if (next.phase === "fenced" || next.phase === "published") pausedAt ??= performance.now();
      console.log(told(next));
      if (next.phase === "cleaning" && pausedAt !== undefined)
        console.log(`Writes paused for ${since(pausedAt)} at most`);
    }
    move = next;
  }
  console.log(`${rangeOf(move)}: ${move.phase} after ${since(started)}`);
  return move.phase === "done" ? 0 : 1;
}

const since = (start: number): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;
const rangeOf = ({ first, last }: ShardMove): string => `${first}-${last}`;

function told(move: ShardMove): string {
  const { source, target, phase, moved, reason } = move;
  const rows = moved > 0 ? ` (${moved} rows)` : "";
  return `${rangeOf(move)} from ${source} to ${target}: ${DOES[phase]}${rows}${reason === undefined ? "" : `, because ${reason}`}`;
}
