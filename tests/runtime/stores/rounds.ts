/**
 * Counts how often a request waits for stores. Calls that are under way at the same time are one round, however long
 * each takes, because far from the stores a request takes as long as its rounds.
 */
import { ask, type RequestOptions } from "../world/people.ts";
import { isAtPrimary, type StoreCall, withCalls } from "./calls.ts";

export type Store = "actor" | "limits" | "d1-primary" | "d1-replica" | "kv" | "queue";
/** The stores that a request waits for at one time: sorted, and each once, however many calls it gets. */
export type Round = Store[];

/** The event loop is idle after so many turns in which no call began or ended. */
const IDLE_TURNS = 8;
/** The original, because a test may fake timers. */
const { setTimeout } = globalThis;

/** An isolate whose requests are counted. Its connections to databases are its own, so the first request is its first. */
export class Rounds {
  readonly #env: Env;
  #recording: Recording | undefined;

  constructor(env: Env) {
    this.#env = withCalls(env, (call, go) => this.#recording?.hold(call, go) ?? go());
  }

  /** Sends one request, as `ask` does, and returns what its response waited for. One request at a time. */
  async ask(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<{ response: Response; rounds: Round[] }> {
    const recording = new Recording();
    this.#recording = recording;
    const end = () => {
      recording.end();
      this.#recording = undefined;
    };
    try {
      const response = await ask(method, path, { ...options, env: this.#env, onResponse: end });
      return { response, rounds: recording.rounds };
    } finally {
      end();
    }
  }
}

type Held = { store: Store; isPatient: boolean; round: number; release: () => void };

/**
 * Holds the calls of one request. When nothing is under way and the event loop is idle, the request can only be waiting
 * for the calls that are held: these are a round, and are released together. So no round depends on how quickly the
 * machine or a store responds.
 *
 * Writes to D1 and KV, and messages, often run in the background. They are held until the request waits for nothing
 * else. If it ends before, they are no part of it; otherwise they count to the round in which they began.
 */
class Recording {
  #held: Held[] = [];
  readonly #rounds: Set<Store>[] = [];
  /** The number of calls that are under way, to stores and to caches. */
  #underWay = 0;
  /** Counts the calls that have begun or ended. */
  #events = 0;
  #isOver = false;
  readonly #unwatchCaches: () => void;

  constructor() {
    this.#unwatchCaches = watchCaches((go) => this.#during(go));
    void this.#releaseRounds();
  }

  get rounds(): Round[] {
    return this.#rounds.map((stores) => [...stores].sort());
  }

  async hold<T>(call: StoreCall, go: () => Promise<T>): Promise<T> {
    const store = storeOf(call);
    if (store === undefined) return this.#during(go);
    const round = this.#rounds.length;
    const isPatient = call.writes;
    await new Promise<void>((release) => {
      this.#held.push({ store, isPatient, round, release });
      this.#events += 1;
    });
    return this.#during(go);
  }

  /** Ends the recording: what is still held did not keep the response waiting. */
  end(): void {
    this.#isOver = true;
    this.#unwatchCaches();
    for (const { release } of this.#held.splice(0)) release();
  }

  async #during<T>(go: () => Promise<T>): Promise<T> {
    this.#events += 1;
    this.#underWay += 1;
    try {
      return await go();
    } finally {
      this.#underWay -= 1;
      this.#events += 1;
    }
  }

  async #releaseRounds(): Promise<void> {
    let [idle, events] = [0, 0];
    while (!this.#isOver) {
      if (idle >= IDLE_TURNS && this.#held.length > 0) this.#releaseRound();
      await new Promise((resolve) => {
        setTimeout(resolve, 0);
      });
      idle = this.#underWay === 0 && this.#events === events ? idle + 1 : 0;
      events = this.#events;
    }
  }

  #releaseRound(): void {
    const urgent = this.#held.filter(({ isPatient }) => !isPatient);
    const released = urgent.length > 0 ? urgent : this.#held;
    this.#held = this.#held.filter((held) => !released.includes(held));
    for (const { store, round, release } of released) {
      (this.#rounds[round] ??= new Set()).add(store);
      release();
    }
  }
}

/** Returns the store that is counted; undefined for bindings that only delay the next round. */
function storeOf(call: StoreCall): Store | undefined {
  if (call.store === "actor" && call.binding === "ALLOWANCES") return "limits";
  if (call.store === "other") return undefined;
  if (call.store !== "d1") return call.store;
  return isAtPrimary(call) ? "d1-primary" : "d1-replica";
}

/** Makes every call of a cache through `during`, and returns a function that undoes this. */
function watchCaches(during: <T>(go: () => Promise<T>) => Promise<T>): () => void {
  const prototype = Object.getPrototypeOf(caches.default) as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const originals = ["match", "put", "delete"].map((name) => [name, prototype[name]] as const);
  for (const [name, original] of originals) {
    prototype[name] = function (this: Cache, ...args) {
      return during(async () => original?.apply(this, args));
    };
  }
  return () => {
    for (const [name, original] of originals) if (original) prototype[name] = original;
  };
}
