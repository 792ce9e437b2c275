import { LateError, within } from "../../schema/d1/deadline.ts";
import type { Background } from "../../schema/background.ts";

/** How long a request waits for another one that is reading the same, before it reads by itself, if nothing else is said. */
const JOINED_FOR = 1000; // ms

/**
 * What requests of this isolate are reading right now, so that what many ask for at once is read once (single flight).
 * What the first of them finds, a failure as well, is the answer to all.
 */
export class Flights<K, V> {
  readonly #under = new Map<K, Promise<Map<K, V>>>();
  readonly #joinedFor: number;

  /** `joinedFor`: in ms. */
  constructor(joinedFor = JOINED_FOR) {
    this.#joinedFor = joinedFor;
  }

  has(key: K): boolean {
    return this.#under.has(key);
  }

  /** Those of `keys` that exist. `load` is called with those that nobody is reading yet. */
  async read(background: Background, keys: K[], load: (keys: K[]) => Promise<Map<K, V>>): Promise<Map<K, V>> {
    const joined = new Set<Promise<Map<K, V>>>();
    const own: K[] = [];
    for (const key of keys) {
      const flight = this.#under.get(key);
      if (flight) joined.add(flight);
      else own.push(key);
    }
    const flights = [...joined].map((flight) => this.#join(flight));
    if (own.length > 0) flights.push(this.#start(background, own, load));
    const landed = await Promise.all(flights);

    const found = new Map<K, V>();
    for (const values of landed) {
      for (const key of keys) {
        const value = values?.get(key);
        if (value !== undefined) found.set(key, value);
      }
    }
    if (!landed.includes(undefined)) return found;
    // The first who was kept waiting reads again, and the others join it.
    const late = keys.filter((key) => !found.has(key));
    return new Map([...found, ...(await this.read(background, late, load))]);
  }

  /** Undefined when it takes too long: whoever has begun it may be gone. */
  async #join(flight: Promise<Map<K, V>>): Promise<Map<K, V> | undefined> {
    try {
      return await within(this.#joinedFor, flight, "another request");
    } catch (error) {
      if (!(error instanceof LateError)) throw error;
      for (const [key, under] of this.#under) if (under === flight) this.#under.delete(key);
      return undefined;
    }
  }

  async #start(background: Background, keys: K[], load: (keys: K[]) => Promise<Map<K, V>>): Promise<Map<K, V>> {
    const flight = load(keys);
    for (const key of keys) this.#under.set(key, flight);
    // The request that began it may be given up by its sender; those who have joined want it all the same.
    background.waitUntil(flight.catch(() => undefined));
    try {
      return await flight;
    } finally {
      for (const key of keys) if (this.#under.get(key) === flight) this.#under.delete(key);
    }
  }
}
