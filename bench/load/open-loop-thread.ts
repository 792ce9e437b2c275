import { Agent } from "node:http";
import { performance } from "node:perf_hooks";
import { setImmediate as soon, setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { fetchText } from "./client.ts";
import type { OpenLoad, OpenLoadResult } from "./open-loop.ts";

const { port, requests, once, perSecond, warmUp, seconds } = workerData as OpenLoad;

/** The limit of concurrent requests, beyond which requests wait. At half of saturation, that many are a queue already. */
const SOCKETS_MAX = 128;
/** The last ms of each wait are spent polling, because a timer may fire a millisecond late. */
const POLLED_FOR = 2;

const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
const result: OpenLoadResult = { times: [], delays: [], failures: [] };
const sent: Promise<void>[] = [];
const planned = Math.floor((warmUp + seconds) * perSecond);
const started = performance.now();
for (let index = 0; index < (once ? Math.min(planned, requests.length) : planned); index += 1) {
  const due = started + (index * 1000) / perSecond;
  await until(due);
  sent.push(send(index, due));
}
await Promise.all(sent);
agent.destroy();
parentPort?.postMessage(result); // oxlint-disable-line unicorn/require-post-message-target-origin -- A thread is no window.

async function send(index: number, due: number): Promise<void> {
  const request = requests[index % requests.length];
  if (!request) return;
  const delay = performance.now() - due;
  try {
    await fetchText(request, port, agent);
  } catch (error) {
    result.failures.push(String(error));
  }
  if (due < started + warmUp * 1000) return;
  result.delays.push(delay);
  result.times.push(performance.now() - due);
}

async function until(due: number): Promise<void> {
  const wait = due - performance.now();
  if (wait > POLLED_FOR) await sleep(wait - POLLED_FOR);
  while (performance.now() < due) await soon();
}
