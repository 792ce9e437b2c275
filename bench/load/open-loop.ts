/**
 * An open loop: requests are sent at fixed times, whether or not earlier ones have been answered. Each response time
 * counts from when its request was due, so a pause of the server affects every request that was due meanwhile. A closed
 * loop would leave those out ("coordinated omission": https://www.youtube.com/watch?v=lJ8ydIuPFeU).
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Request } from "./client.ts";
import { type Distribution, distributionOf } from "./percentiles.ts";

export type OpenLoad = {
  port: number;
  /** Sent in this order, again and again. With `once`, the run ends after the last. */
  requests: readonly Request[];
  once?: boolean | undefined;
  perSecond: number;
  /** In seconds, like `seconds`. */
  warmUp: number;
  seconds: number;
};

/** The result of the thread, without the warm-up, in ms: the response times, and how late each request was sent. */
export type OpenLoadResult = { times: number[]; delays: number[]; failures: string[] };

/** `late` is the 99th percentile of how late requests were sent, in ms: the generator's own share of the times. */
export type OpenLoadMeasured = Distribution & { perSecond: number; late: number; failures: string[] };

const THREAD = new URL("open-loop-thread.ts", import.meta.url);

/** Runs the load in its own thread. */
export async function measureOpenLoop(load: OpenLoad): Promise<OpenLoadMeasured> {
  const thread = new Worker(THREAD, { workerData: load });
  const [{ times, delays, failures }] = (await once(thread, "message")) as [OpenLoadResult];
  return { ...distributionOf(times), perSecond: load.perSecond, late: distributionOf(delays).p99, failures };
}
