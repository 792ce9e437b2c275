/**
 * Load that comes whether or not the last request was answered (an open loop), at times that are fixed beforehand. Each
 * answer counts from when its request was due, so a pause of the server is felt by everybody who would have come meanwhile
 * ("coordinated omission" leaves them out: https://www.youtube.com/watch?v=lJ8ydIuPFeU).
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Request } from "./client.ts";
import { type Distribution, distributionOf } from "./distribution.ts";

export type OpenLoad = {
  port: number;
  /** What is sent, in this order and again and again; or once, and then the run is over. */
  requests: readonly Request[];
  once?: boolean | undefined;
  perSecond: number;
  /** In seconds, as is the next. */
  warmUp: number;
  seconds: number;
};

/** What the thread hands over, of the requests after the warm-up: ms to each answer, and from when due to when sent. */
export type Arrived = { times: number[]; delays: number[]; failures: string[] };

/** `late`: the 99th percentile of how many ms after it was due a request was sent; what the generator adds to the times. */
export type Arrivals = Distribution & { perSecond: number; late: number; failures: string[] };

const THREAD = new URL("open-loop-thread.ts", import.meta.url);

export async function arrive(load: OpenLoad): Promise<Arrivals> {
  const thread = new Worker(THREAD, { workerData: load });
  const [{ times, delays, failures }] = (await once(thread, "message")) as [Arrived];
  return { ...distributionOf(times), perSecond: load.perSecond, late: distributionOf(delays).p99, failures };
}
