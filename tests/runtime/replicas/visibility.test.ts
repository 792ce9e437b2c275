/** The promise about visibility (promise.ts), in random histories over replicas that lag each on its own. */
import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Audience } from "../../../schema/viewing.ts";
import { recordQueues } from "../queues/facts.ts";
import { d1Named } from "../stores/d1.ts";
import { ReplicatedDatabase } from "../stores/replicated.ts";
import { Edge } from "./edges.ts";
import { BrokenPromise } from "./promise.ts";
import { histories, PEOPLE, type Step, take } from "./steps.ts";
import { World } from "./world.ts";

const EDGES = 3;
const COPIES = [0, 1, 2, 3];
const RUNS = 5;
/** Ahead of the clock of alarms, so that none runs until the test runs it. */
const AHEAD = 3_600_000; // ms

const { TEST_MIGRATIONS } = env as Env & { TEST_MIGRATIONS: D1Migration[] };
let both: readonly ReplicatedDatabase[];
let queues: ReturnType<typeof recordQueues>;
let clock = Date.now() + AHEAD;

beforeAll(async () => {
  const replicated = [0, 1].map(async (index) => {
    const copies = COPIES.map((copy) => d1Named(env, `COPY_${index}_${copy}`));
    await Promise.all(copies.map((copy) => applyD1Migrations(copy, TEST_MIGRATIONS)));
    const [primary, ...replicas] = copies as [D1Database, ...D1Database[]];
    return new ReplicatedDatabase(primary, replicas);
  });
  both = await Promise.all(replicated);
});
beforeEach(() => {
  queues = recordQueues();
  vi.useFakeTimers({ now: clock, toFake: ["Date"] });
});
afterEach(() => {
  clock = Date.now();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Starts edges with a fault, if there is one. */
async function startEdges(plant?: () => Promise<void>): Promise<Edge[]> {
  const edges: Edge[] = [];
  for (let index = 0; index < EDGES; index += 1) edges.push(await Edge.start(plant));
  // The runtime replaces the actors' code with the newest module once, which breaks the first call.
  await env.POSTS.getByName("none")
    .state()
    .catch(() => undefined);
  return edges;
}

/** Takes the steps in a new world, and judges everything that they show. */
async function run(databases: number, edges: readonly Edge[], steps: readonly Step[]): Promise<World> {
  for (const list of [queues.facts, queues.fanOuts]) list.length = 0;
  const named = both.slice(0, databases).map((database, index) => [index === 0 ? "DB" : "DB_1", database] as const);
  const world = new World(Object.fromEntries(named), edges, queues);
  await world.begin(PEOPLE);
  for (const step of steps) await take(world, edges, step);
  await world.expectSettled(edges[0] as Edge);
  return world;
}

describe("with correct code", () => {
  let edges: Edge[];
  beforeAll(async () => {
    edges = await startEdges();
  });

  it.each([1, 2])(
    "shows nothing published after an exclusion to those whom it excludes (%i databases)",
    async (count) => {
      const seen = { reads: 0, others: 0, earlier: 0 };
      await fc.assert(
        fc.asyncProperty(histories, async (steps) => {
          const world = await run(count, edges, steps);
          for (const key of ["reads", "others", "earlier"] as const) seen[key] += world.seen[key];
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
      // The histories show captions, also those that an excluded viewer may still see.
      expect(seen.others).toBeGreaterThan(RUNS);
      expect(seen.earlier).toBeGreaterThan(0);
    },
    60_000,
  );
});

/** The effects that were tried once, at any edge. */
const tried = new Set<string>();

/** Leaves each effect to its queue, as if its database had failed for a moment. */
function lateFor<E extends { id: string }>(apply: (env: Env, effect: E) => Promise<void>) {
  return async (on: Env, effect: E) => {
    if (tried.has(effect.id)) return apply(on, effect);
    tried.add(effect.id);
    throw new Error("planted");
  };
}

/** A fault that breaks the promise, planted in the modules of each edge. */
type Fault = { name: string; plant: () => Promise<void> };

const FAULTS: Fault[] = [
  {
    name: "no marks are written",
    plant: async () => {
      const marks = await import("../../../schema/d1/exclusion-marks.ts");
      vi.spyOn(marks, "exclusionMark").mockReturnValue([]);
    },
  },
  {
    name: "every state counts as new enough",
    plant: async () => {
      const viewing = await import("../../../schema/viewing.ts");
      vi.spyOn(viewing, "includes").mockReturnValue(true);
    },
  },
  {
    name: "who may see a post is remembered apart from the post",
    plant: async () => {
      const posts = await import("../../../workers/reads/stored-posts.ts");
      const { knownPosts } = posts;
      const audiences = new Map<string, Audience>();
      vi.spyOn(posts, "knownPosts").mockImplementation(async (reader, ids) => {
        const known = await knownPosts(reader, ids);
        for (const [id, post] of known) {
          const audience = audiences.get(id) ?? post.audience;
          audiences.set(id, audience);
          known.set(id, { ...post, audience });
        }
        return known;
      });
    },
  },
  {
    name: "a block is acknowledged before it is applied",
    plant: async () => {
      const block = await import("../../../workers/relations/block.ts");
      const { applyBlock } = block;
      vi.spyOn(block, "applyBlock").mockImplementation(lateFor(applyBlock));
    },
  },
  {
    name: "a removal is acknowledged before it is applied",
    plant: async () => {
      const requests = await import("../../../workers/relations/follow-requests.ts");
      const { applyDecision } = requests;
      vi.spyOn(requests, "applyDecision").mockImplementation(lateFor(applyDecision));
    },
  },
];

it.each(FAULTS)(
  "notices when $name",
  async ({ plant }) => {
    const edges = await startEdges(plant);
    const property = fc.asyncProperty(histories, async (steps) => {
      await run(2, edges, steps);
    });
    const { errorInstance } = await fc.check(property, { seed: 1, numRuns: 20, endOnFailure: true });
    expect(errorInstance).toBeInstanceOf(BrokenPromise);
  },
  60_000,
);
