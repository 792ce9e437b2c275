/**
 * Isolates at several places in the world. Each has its own instance of every module, and so its own caches, and reads
 * from replicas of its own choice.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type worker from "../../../workers/index.ts";
import { randomOf } from "../../product/harness/random.ts";
import type { ReplicatedDatabase } from "../stores/replicated.ts";
import { deliver } from "../world/dead-letters.ts";

type Worker = typeof worker;
/** Holds one database call back until `release` is called. */
type Hold = { reached: Promise<void>; release: () => void };

/** How often a read of a session is served by the primary, because it happens to be the nearest copy. */
const PRIMARY_IS_NEAREST = 0.1;
/** How often a replica serves a read without applying anything first. */
const REPLICA_LAGS = 0.5;

export class Edge {
  readonly #worker: Worker;
  #env: Env = env;
  #random: () => number = Math.random;
  #callsUntilHold = Number.POSITIVE_INFINITY;
  #held: { reach: () => void; released: Promise<void> } | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Loads the Worker with new instances of all modules. `plant` may change them first. Costs half a second. */
  static async start(plant?: () => Promise<void>): Promise<Edge> {
    vi.resetModules();
    await plant?.();
    const { default: worker } = await import("../../../workers/index.ts");
    return new Edge(worker);
  }

  /** Binds the edge to databases, by binding name, as an isolate that has read none of them. */
  bind(databases: Record<string, ReplicatedDatabase>, others: object): void {
    const bound = Object.entries(databases).map(([name, database]) => [
      name,
      database.binding(
        (lags) => this.#choose(lags),
        () => this.#before(),
      ),
    ]);
    this.#env = { ...env, ...others, ...Object.fromEntries(bound) } as Env;
  }

  /** Makes the choice of replicas and their progress depend on `seed` only, from now on. */
  reseed(seed: number): void {
    this.#random = randomOf(seed);
  }

  /** Holds back the `call`-th database call from now on, counted from 0. */
  hold(call: number): Hold {
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#callsUntilHold = call;
    this.#held = { reach: reached.resolve, released: released.promise };
    const release = () => {
      this.#callsUntilHold = Number.POSITIVE_INFINITY;
      released.resolve();
    };
    return { reached: reached.promise, release };
  }

  async fetch(request: Request): Promise<Response> {
    const context = createExecutionContext();
    const response = await this.#worker.fetch(request, this.#env, context);
    await waitOnExecutionContext(context);
    return response;
  }

  /** Delivers messages of a queue. */
  async deliver(queue: string, bodies: readonly unknown[]): Promise<void> {
    await deliver(queue, bodies, (batch, context) => this.#worker.queue(batch, this.#env, context));
  }

  #choose(lags: readonly number[]): { replica: number; commits: number } | undefined {
    if (this.#random() < PRIMARY_IS_NEAREST) return undefined;
    const replica = Math.floor(this.#random() * lags.length);
    const lag = lags[replica] ?? 0;
    const commits = this.#random() < REPLICA_LAGS ? 0 : Math.floor(this.#random() * (lag + 1));
    return { replica, commits };
  }

  async #before(): Promise<void> {
    const isHeld = this.#callsUntilHold === 0;
    this.#callsUntilHold -= 1;
    if (!isHeld || !this.#held) return;
    this.#held.reach();
    await this.#held.released;
  }
}
