/** Times one line: its rate at saturation, and its response times at half of that rate. */
import { Agent } from "node:http";
import { fetchText, type Request } from "./client.ts";
import { measure } from "./load.ts";
import { measureOpenLoop } from "./open-loop.ts";
import type { Distribution } from "./percentiles.ts";
import { processorTime } from "./processor-time.ts";

export type Timing = {
  /** The rate at saturation: `connections` concurrent requests without a pause. */
  perSecond: number;
  /** The share of time that the generator was busy. Near 1, the generator itself was the limit. */
  busy: number;
  /** The CPU time of workerd per request at saturation, in ms. */
  processor: number;
  /** Response times at half of that rate, from when each request was due, in ms. */
  open: Distribution & { late: number };
  failures: string[];
};

export type Timed = {
  port: number;
  /** The process id of workerd. */
  pid: number;
  connections: number;
  /** Returns the requests of each person, in order. It is called again for each of the two runs. */
  sequences: () => Request[][];
  once?: boolean | undefined;
  seconds: number;
  /** Resolves when the runtime has done the work that follows. */
  settle: () => Promise<void>;
};

const WARM_UP = 1; // s
/** Cold requests are slow: a shorter run may see no response at all. */
const ONCE_SECONDS_MIN = 5; // s
const ARRIVALS_MIN = 1; // 1/s
const WARMING = 8; // connections

/** Sends every request once, so that the caches are warm. */
export async function warm({ port, sequences }: Pick<Timed, "port" | "sequences">): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: WARMING });
  await Promise.all(
    sequences()
      .flat()
      .map((request) => fetchText(request, port, agent)),
  );
  agent.destroy();
}

/** Measures the sequences in a closed loop, and then in an open loop at half of its rate. */
export async function timingOf({ port, pid, connections, sequences, once, settle, ...timed }: Timed): Promise<Timing> {
  const warmUp = once ? 0 : WARM_UP;
  const seconds = once ? Math.max(timed.seconds, ONCE_SECONDS_MIN) : timed.seconds;
  const before = processorTime(pid);
  const closed = await measure({ port, connections: deal(sequences(), connections), warmUp, seconds, once });
  const processor = (processorTime(pid) - before) / closed.answered.reduce((sum, count) => sum + count, 0);
  await settle();
  const requests = byTurns(sequences());
  const perSecond = Math.max(closed.perSecond / 2, ARRIVALS_MIN);
  const { p50, p99, max, late, failures } = await measureOpenLoop({ port, requests, once, perSecond, warmUp, seconds });
  await settle();
  return {
    perSecond: closed.perSecond,
    busy: closed.busy,
    processor,
    open: { p50, p99, max, late },
    failures: [...closed.failures, ...failures],
  };
}

/** Deals the sequences out to connections. Each sequence stays on one connection, and so keeps its order. */
export function deal(sequences: readonly Request[][], connections: number): Request[][] {
  const hands = Array.from({ length: connections }, (): Request[] => []);
  for (const index of hands.keys()) {
    // If there are fewer sequences than connections, several connections send the same one.
    const own = sequences.filter((_, place) => place % connections === index);
    hands[index] = (own.length > 0 ? own : [sequences[index % sequences.length] ?? []]).flat();
  }
  return hands;
}

/** Returns every person's first request, then every person's second, and so on. */
function byTurns(sequences: readonly Request[][]): Request[] {
  const longest = Math.max(0, ...sequences.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) => sequences.flatMap((sequence) => sequence[turn] ?? [])).flat();
}
