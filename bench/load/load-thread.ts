import { Agent } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { fetchText } from "./client.ts";
import type { Load, LoadResult } from "./load.ts";

const { port, connections, warmUp, seconds, once } = workerData as Load;

const clients = connections.map((requests) => ({
  requests,
  agent: new Agent({ keepAlive: true, maxSockets: 1 }), // Each client has its own socket.
  answered: 0,
}));
const failures: string[] = [];
const times: number[] = [];

// Connect one client after the other: workerd accepts connections only when it is idle, so under load the last ones
// would wait for seconds, and their first responses would look slow.
for (const client of clients) await next(client);

const begins = performance.now() + warmUp * 1000;
let ends = begins + seconds * 1000;
await sleep(0); // The utilization is first read before any client begins.
const utilizationBefore = performance.eventLoopUtilization();
await Promise.all(clients.map(repeat));
const result: LoadResult = {
  answered: clients.map(({ answered }) => answered),
  failures,
  times,
  seconds: (ends - begins) / 1000,
  busy: performance.eventLoopUtilization(utilizationBefore).utilization,
};
for (const { agent } of clients) agent.destroy();
parentPort?.postMessage(result); // oxlint-disable-line unicorn/require-post-message-target-origin -- A thread is no window.

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

/** Sends the client's next request. Returns false after a failure: the client's state is then unknown, so it stops. */
async function next(client: Client): Promise<boolean> {
  const request = client.requests[client.answered % client.requests.length];
  if (!request) return false;
  try {
    await fetchText(request, port, client.agent);
    client.answered += 1;
    return true;
  } catch (error) {
    failures.push(String(error));
    return false;
  }
}
