/** One line's times: how much at saturation, and how long it takes at half of that. */
import { Agent } from "node:http";
import { answerTo, type Request } from "./client.ts";
import type { Distribution } from "./distribution.ts";
import { measure } from "./load.ts";
import { arrive } from "./open-loop.ts";
import { processorTime } from "./processor-time.ts";

export type Timing = {
  /** At saturation, `connections` at a time without a pause. */
  perSecond: number;
  /** The generator's share of its time at work: near 1 it is what was measured. */
  busy: number;
  /** Of all of workerd, for a request at saturation, in ms. */
  processor: number;
  /** At half of that, from when each was due, in ms. */
  open: Distribution & { late: number };
  failures: string[];
};

export type Timed = {
  port: number;
  /** Of workerd. */
  pid: number;
  connections: number;
  /** Those of one person in their order; drawn anew for each of the two runs. */
  sequences: () => Request[][];
  once?: boolean | undefined;
  seconds: number;
  /** Resolves when the runtime has done what followed. */
  settle: () => Promise<void>;
};

const WARM_UP = 1; // s
/** What is cold is slow: with less there may be no answer at all. */
const ONCE_AT_LEAST = 5; // s
const ARRIVALS_AT_LEAST = 1; // 1/s
const WARMING = 8; // connections

/** Sends everything once, so that what is to be warm is. */
export async function warmed({ port, sequences }: Pick<Timed, "port" | "sequences">): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: WARMING });
  await Promise.all(
    sequences()
      .flat()
      .map((request) => answerTo(request, port, agent)),
  );
  agent.destroy();
}

export async function timingOf({ port, pid, connections, sequences, once, settle, ...timed }: Timed): Promise<Timing> {
  const warmUp = once ? 0 : WARM_UP;
  const seconds = once ? Math.max(timed.seconds, ONCE_AT_LEAST) : timed.seconds;
  const before = processorTime(pid);
  const closed = await measure({ port, connections: dealt(sequences(), connections), warmUp, seconds, once });
  const processor = (processorTime(pid) - before) / closed.answered.reduce((sum, count) => sum + count, 0);
  await settle();
  const requests = byTurns(sequences());
  const perSecond = Math.max(closed.perSecond / 2, ARRIVALS_AT_LEAST);
  const { p50, p99, max, late, failures } = await arrive({ port, requests, once, perSecond, warmUp, seconds });
  await settle();
  return {
    perSecond: closed.perSecond,
    busy: closed.busy,
    processor,
    open: { p50, p99, max, late },
    failures: [...closed.failures, ...failures],
  };
}

/** Each person's to one connection, so that they keep their order. */
export function dealt(sequences: readonly Request[][], connections: number): Request[][] {
  const hands = Array.from({ length: connections }, (): Request[] => []);
  for (const index of hands.keys()) {
    // Fewer sequences than connections are sent by several.
    const own = sequences.filter((_, place) => place % connections === index);
    hands[index] = (own.length > 0 ? own : [sequences[index % sequences.length] ?? []]).flat();
  }
  return hands;
}

/** Everybody's first, then everybody's second. */
function byTurns(sequences: readonly Request[][]): Request[] {
  const longest = Math.max(0, ...sequences.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) => sequences.flatMap((sequence) => sequence[turn] ?? [])).flat();
}
