/**
 * Runs a mix of feeds, likes and comments over many posts for a long time, and watches the memory of the processes of
 * `npm start`: of Node and of the runtime, workerd. Afterwards nobody asks anything, to show what is given back.
 */
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Post } from "../../schema/api/posts.ts";
import type { PostId } from "../../schema/ids.ts";
import { Product } from "../../tests/product/harness/product.ts";
import { randomOf } from "../../tests/product/harness/random.ts";
import { fetchText, type Request } from "../load/client.ts";
import { measure } from "../load/load.ts";
import { residentMemory } from "../load/resident-memory.ts";
import { deal } from "../load/timing.ts";
import { logProgress } from "../output/progress.ts";
import { type Report, short } from "../output/report.ts";
import { fillGraphs, type Member } from "../worlds/filled-graph.ts";
import { powerLaw } from "../worlds/graph.ts";
import { comment, like, publish } from "../worlds/requests.ts";
import { nth } from "./lines.ts";

const PEOPLE = { people: 200, posts: 0, least: 10, most: 100 };
const POSTS = 1000;
const CONNECTIONS = 32;
const PAGE = 30;
const MINUTE = 60; // s
/** The minutes without requests at the end. */
const IDLE_MINUTES = 2;
/** The shares of the mix, in percent. */
const MIX = { feed: 60, like: 30, comment: 10 };
const SEED = 1313;
/** The number of requests that are drawn. When all are sent, they are sent again. */
const DRAWN = 20_000;
const PUBLISHED_AT_ONCE = 8;

/** One minute. The memory is that at its end, in MB. */
type Minute = { name: string; workerd: number; node: number; perSecond: number };

export async function soak(minutes: number): Promise<Report> {
  const product = await Product.start();
  try {
    await product.stop();
    const [people = []] = fillGraphs(product.state, [powerLaw(PEOPLE)]);
    await product.restart();
    const port = Number(new URL(product.address).port);
    const measured: Minute[] = [];
    const failures: string[] = [];
    const note = (name: string, perSecond = 0) => {
      const memory = memoryOf(product);
      measured.push({ name, ...memory, perSecond });
      logProgress(
        `${name}: workerd ${short(memory.workerd)} MB, Node ${short(memory.node)} MB, ${short(perSecond)} requests/s`,
      );
    };
    note("started");
    const posts = await publishAll(port, people);
    note(`${POSTS} posts published`);
    const connections = deal(requestsOf(people, posts), CONNECTIONS);
    for (let minute = 1; minute <= minutes; minute += 1) {
      const load = await measure({ port, connections, warmUp: 0, seconds: MINUTE });
      failures.push(...load.failures);
      note(`minute ${minute}`, load.perSecond);
    }
    for (let minute = 1; minute <= IDLE_MINUTES; minute += 1) {
      await sleep(MINUTE * 1000);
      note(`idle minute ${minute}`);
    }
    return reportOf(measured, failures);
  } finally {
    await product.remove();
  }
}

/** Publishes the posts, in turns of their authors. */
async function publishAll(port: number, people: readonly Member[]): Promise<PostId[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: PUBLISHED_AT_ONCE });
  const posts = Array.from({ length: POSTS }, async (_, index) => {
    const { id } = JSON.parse(await fetchText(publish(nth(people, index)), port, agent)) as Post;
    return id;
  });
  return await Promise.all(posts).finally(() => agent.destroy());
}

/** Draws the requests of the mix: people and posts at random, the same in every run. Each is a sequence of its own. */
function requestsOf(people: readonly Member[], posts: readonly PostId[]): Request[][] {
  const random = randomOf(SEED);
  const drawn = <T>(items: readonly T[]) => nth(items, Math.floor(random() * items.length));
  return Array.from({ length: DRAWN }, (): Request[] => {
    const [{ headers }, post, kind] = [drawn(people), drawn(posts), random() * 100];
    if (kind < MIX.feed) return [{ method: "GET", path: `/v1/feed?limit=${PAGE}`, headers }];
    if (kind < MIX.feed + MIX.like) return [like(random() < 0.5 ? "PUT" : "DELETE", post, headers)];
    return [comment(post, headers, "Where the light comes from is what I keep looking at here.")];
  });
}

function memoryOf(product: Product): Pick<Minute, "workerd" | "node"> {
  const [node, ...others] = product.processes();
  const workerd = others.find(({ command }) => command.includes("workerd"));
  if (!node || !workerd) throw new Error("the product has ended");
  return { workerd: residentMemory(workerd.pid), node: residentMemory(node.pid) };
}

function reportOf(measured: Minute[], failures: string[]): Report {
  const mix = Object.entries(MIX).map(([name, share]) => `${share} % ${name}`);
  return {
    title: `Memory of \`npm start\` over time: ${mix.join(", ")}, over ${POSTS} posts`,
    table: [
      ["at the end of", "workerd, MB", "Node, MB", "requests/s"],
      ...measured.map(({ name, workerd, node, perSecond }) => [
        name,
        ...[workerd, node].map(short),
        perSecond > 0 ? short(perSecond) : "-",
      ]),
    ],
    notes: [
      `${CONNECTIONS} connections without a pause, with the sessions of ${PEOPLE.people} people. Memory is what is resident (RSS).`,
    ],
    measured: { mix: MIX, posts: POSTS, minutes: measured },
    wrong: failures.length > 0 ? [`${failures.length} requests failed, the first with ${failures[0]}`] : [],
  };
}
