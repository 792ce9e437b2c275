import { Agent } from "node:http";
import { performance } from "node:perf_hooks";
import { setImmediate as soon, setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { answerTo } from "./client.ts";
import type { Arrived, OpenLoad } from "./open-loop.ts";

const { port, requests, once, perSecond, warmUp, seconds } = workerData as OpenLoad;

/** More requests than this at a time wait for one another: at half of saturation it is a queue of its own. */
const SOCKETS_MAX = 128;
/** A timer may come a millisecond late, so the last ones are waited for awake. */
const AWAKE = 2;

const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
const arrived: Arrived = { times: [], delays: [], failures: [] };
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
parentPort?.postMessage(arrived); // oxlint-disable-line unicorn/require-post-message-target-origin -- A thread is no window.

async function send(index: number, due: number): Promise<void> {
  const request = requests[index % requests.length];
  if (!request) return;
  const delay = performance.now() - due;
  try {
    await answerTo(request, port, agent);
  } catch (error) {
    arrived.failures.push(String(error));
  }
  if (due < started + warmUp * 1000) return;
  arrived.delays.push(delay);
  arrived.times.push(performance.now() - due);
}

async function until(due: number): Promise<void> {
  const wait = due - performance.now();
  if (wait > AWAKE) await sleep(wait - AWAKE);
  while (performance.now() < due) await soon();
}
