/** A closed loop over real HTTP: each connection sends one request after the other, without a pause. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Request } from "./client.ts";
import { type Distribution, distributionOf } from "./percentiles.ts";

export type Load = {
  port: number;
  /** The requests of each connection, which it sends again and again. */
  connections: readonly (readonly Request[])[];
  /** In seconds, like `seconds`. */
  warmUp: number;
  seconds: number;
  /** Sends each request at most once: the run ends when a connection has none left. */
  once?: boolean | undefined;
};

/** The result of the thread. `times` are the response times in ms after the warm-up. */
export type LoadResult = { answered: number[]; failures: string[]; times: number[]; seconds: number; busy: number };

export type Measured = Distribution & {
  perSecond: number;
  /** The number of responses on each connection, including the warm-up. */
  answered: number[];
  failures: string[];
  /** The share of time that the generator was busy. Near 1, the generator itself was the limit. */
  busy: number;
};

const THREAD = new URL("load-thread.ts", import.meta.url);

/** Runs the load in its own thread, so that other work of the benchmark does not slow it. */
export async function measure(load: Load): Promise<Measured> {
  const thread = new Worker(THREAD, { workerData: load });
  const [{ answered, failures, times, seconds, busy }] = (await once(thread, "message")) as [LoadResult];
  return { ...distributionOf(times), perSecond: times.length / seconds, answered, failures, busy };
}
