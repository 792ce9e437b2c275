import { Agent } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { answerTo } from "./client.ts";
import type { Load, Made } from "./load.ts";

const { port, connections, warmUp, seconds, once } = workerData as Load;

const clients = connections.map((requests) => ({
  requests,
  agent: new Agent({ keepAlive: true, maxSockets: 1 }), // Everybody has a socket of their own.
  answered: 0,
}));
const failures: string[] = [];
const times: number[] = [];

// One after the other: workerd takes new connections when it has nothing else to do, so under load the last of them
// would wait for seconds, once, and pass for slow answers.
for (const client of clients) await next(client);

const begins = performance.now() + warmUp * 1000;
let ends = begins + seconds * 1000;
await sleep(0); // So that no client has begun when the time of the generator is first looked at.
const atWork = performance.eventLoopUtilization();
await Promise.all(clients.map(repeat));
const made: Made = {
  answered: clients.map(({ answered }) => answered),
  failures,
  times,
  seconds: (ends - begins) / 1000,
  busy: performance.eventLoopUtilization(atWork).utilization,
};
for (const { agent } of clients) agent.destroy();
parentPort?.postMessage(made); // oxlint-disable-line unicorn/require-post-message-target-origin -- A thread is no window.

async function repeat(client: Client): Promise<void> {
  for (;;) {
    const started = performance.now();
    if (once && client.answered === client.requests.length) ends = Math.min(ends, started);
    if (started >= ends || !(await next(client))) return;
    const now = performance.now();
    if (now >= begins && now < ends) times.push(now - started);
  }
}

type Client = (typeof clients)[number];

/** False after a failure: what this client has done is unknown from then on, so it stops. */
async function next(client: Client): Promise<boolean> {
  const request = client.requests[client.answered % client.requests.length];
  if (!request) return false;
  try {
    await answerTo(request, port, client.agent);
    client.answered += 1;
    return true;
  } catch (error) {
    failures.push(String(error));
    return false;
  }
}
