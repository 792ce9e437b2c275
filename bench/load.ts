/** Load over real HTTP: connections that each send one request after the other, without a pause (a closed loop). */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Request } from "./client.ts";
import { type Distribution, distributionOf } from "./distribution.ts";

export type Load = {
  port: number;
  /** What each connection sends, again and again. */
  connections: readonly (readonly Request[])[];
  /** In seconds, as is the next. */
  warmUp: number;
  seconds: number;
  /** Each request is sent once at most: the run is over when a connection has none left. */
  once?: boolean | undefined;
};

/** What the thread hands over. `times` are those of the answers after the warm-up. */
export type Made = { answered: number[]; failures: string[]; times: number[]; seconds: number; busy: number };

export type Measured = Distribution & {
  perSecond: number;
  /** How many requests of each connection were answered, the warm-up included. */
  answered: number[];
  failures: string[];
  /** The share of its time that the generator itself was at work: near 1 it is what was measured. */
  busy: number;
};

const THREAD = new URL("load-thread.ts", import.meta.url);

/** In a thread of its own, so that nothing else of the bench takes its time. */
export async function measure(load: Load): Promise<Measured> {
  const thread = new Worker(THREAD, { workerData: load });
  const [{ answered, failures, times, seconds, busy }] = (await once(thread, "message")) as [Made];
  return { ...distributionOf(times), perSecond: times.length / seconds, answered, failures, busy };
}
