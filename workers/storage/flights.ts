import { LateError, within } from "../../schema/d1/deadline.ts";
import type { Background } from "../../schema/background.ts";

/** The default for how long a request waits for another one that reads the same key before it reads the key itself. */
const JOINED_FOR = 1000; // ms

/**
 * Tracks the reads in progress in this isolate by key, so that concurrent requests for a key share one read (single
 * flight). All of them get its result, also if it fails.
 */
export class Flights<K, V> {
  readonly #under = new Map<K, Promise<Map<K, V>>>();
  readonly #joinedFor: number;

  /** `joinedFor` is how long a request waits for another one's read, in ms. */
  constructor(joinedFor = JOINED_FOR) {
    this.#joinedFor = joinedFor;
  }

  /** Returns whether `key` is being read. */
  has(key: K): boolean {
    return this.#under.has(key);
  }

  /** Returns those of `keys` that exist. Calls `load` with the keys that no request is reading yet. */
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
    // The first request whose wait ran out reads these keys again, and the others join it.
    const late = keys.filter((key) => !found.has(key));
    return new Map([...found, ...(await this.read(background, late, load))]);
  }

  /** Returns undefined when the read takes too long: the request that began it may have ended. */
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
    // The client may abandon the request that began the read; those that joined still need its result.
    background.waitUntil(flight.catch(() => undefined));
    try {
      return await flight;
    } finally {
      for (const key of keys) if (this.#under.get(key) === flight) this.#under.delete(key);
    }
  }
}
