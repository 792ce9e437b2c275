/**
 * Caches values that many people read and that rarely change or may be a moment old: post documents, post standings,
 * people. A key is looked up in the isolate's memory, then in KV and in D1 at the same time, and written back to the tiers
 * that missed. KV is in more places than D1's replicas, but reading one key costs as much as 500 rows of D1, and writing
 * one as much as 5,000. So only small sets of keys are looked up in KV, and only keys that this isolate has needed before
 * are written to it; a larger set is one D1 query. Concurrent requests for a key share one read, and absence is cached
 * too, for a moment. When D1 fails, the last known value is returned and the response is marked as stale.
 */
import { fingerprintOf } from "../../schema/fingerprint.ts";
import { Flights } from "./flights.ts";
import { Memory } from "./memory.ts";
import type { Reader } from "./reader.ts";
import { KV_TIMEOUT, STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { logWarning } from "../../schema/log.ts";

const MEMORY_MAX = 5000; // Values of about 1 kB.
/** The minimum time between two writes of the same value to KV by this isolate. */
const WRITTEN_AT_MOST_EVERY = 300_000; // ms
/** How long absence is cached, so that repeated requests for a missing key do not reach a database each time. */
const ABSENT_FOR = 1000; // ms
/** How old a value may be that is returned because D1 fails: as old as a public response that is kept for this. */
const STALE_AT_MOST = 3_600_000; // ms
const KV_TTL = 600; // s
/** The largest set of keys that is looked up in KV, too. */
const KV_AT_MOST = 3;
const KV_KEYS_MAX = 100; // KV's limit for one bulk get.

type Load<K, V> = (reader: Reader, keys: K[]) => Promise<Map<K, V>>;
type Options<K, V> = {
  /** Reads the keys that no tier has from D1. */
  load: Load<K, V>;
  /** How long a value in memory counts as fresh, in ms. */
  freshFor: number;
  /** The number of values that memory holds, for values larger than about 1 kB. */
  max?: number;
  /**
   * The prefix of the keys in KV; without it KV is not used. With it a value may be as old as KV_TTL plus `freshFor`.
   */
  kv?: string;
};

/** Waits for a write to KV and tolerates its failure: a missing key costs a query, and an outdated one expires soon. */
async function settleKvWrite(write: Promise<unknown>): Promise<void> {
  try {
    await within(STORE_TIMEOUT, write, "KV");
  } catch (error) {
    logWarning("KV not written", { error: String(error) });
  }
}

/** One kind of value behind the tiers. All requests of an isolate share it. */
export class Tiers<K extends string, V extends object> {
  readonly #load: Load<K, V>;
  readonly #freshFor: number;
  readonly #kv: string | undefined;
  /** Null means that the key is known to be absent. */
  readonly #memory: Memory<K, V | null>;
  /** A hash of each value that this isolate has written to KV. */
  readonly #written = new Memory<K, string>(MEMORY_MAX);
  readonly #flights = new Flights<K, V>();

  constructor({ load, freshFor, kv, max = MEMORY_MAX }: Options<K, V>) {
    this.#memory = new Memory(max);
    this.#load = load;
    this.#freshFor = freshFor;
    this.#kv = kv;
  }

  /**
   * Returns those of `keys` that exist. Costs nothing when all are in memory; otherwise one D1 query for each database
   * that holds one of the rest, and one KV read if at most three are missing.
   */
  async get(reader: Reader, keys: Iterable<K>): Promise<Map<K, V>> {
    const found = new Map<K, V>();
    const rest: K[] = [];
    const now = Date.now();
    for (const key of new Set(keys)) {
      const known = this.#memory.get(key);
      if (!known || now - known.at >= (known.value ? this.#freshFor : ABSENT_FOR)) rest.push(key);
      else if (known.value) found.set(key, known.value);
    }
    if (rest.length === 0) reader.served.by("memory");
    else for (const [key, value] of await this.#read(reader, rest)) found.set(key, value);
    return found;
  }

  /** Returns those of `keys` that are in memory and not older than `atMost` ms. Costs nothing. */
  remembered(keys: Iterable<K>, atMost = Number.POSITIVE_INFINITY): Map<K, V> {
    const found = new Map<K, V>();
    const now = Date.now();
    for (const key of keys) {
      const known = this.#memory.get(key);
      if (known?.value && now - known.at <= atMost) found.set(key, known.value);
    }
    return found;
  }

  /** Reads `keys` from D1, whatever the tiers hold, and updates the tiers with the result. */
  async renew(reader: Reader, keys: K[]): Promise<Map<K, V>> {
    const loaded = await this.#load(reader, keys);
    // Written to KV only if this isolate has needed the key before.
    const wanted = keys.length <= KV_AT_MOST ? [...loaded].filter(([key]) => this.#memory.get(key)) : [];
    if (this.#kv !== undefined && wanted.length > 0) {
      reader.background.waitUntil(this.#toKv(reader.env, this.#kv, new Map(wanted)));
    }
    for (const key of keys) {
      const value = loaded.get(key);
      if (value) this.learn(key, value);
      else this.#memory.set(key, null);
    }
    return loaded;
  }

  /**
   * Caches a value that another query has read. An equal value keeps its object, so results memoized by it stay valid.
   */
  learn(key: K, value: V): void {
    const known = this.#memory.get(key)?.value;
    this.#memory.set(key, known && JSON.stringify(known) === JSON.stringify(value) ? known : value);
  }

  /** Forgets that `key` is absent, for when it may have been written. */
  dropAbsence(key: K): void {
    if (this.#memory.get(key)?.value === null) this.#memory.delete(key);
  }

  /** Drops `key` from memory after a change, so that this isolate shows the change at once. */
  drop(key: K): void {
    this.#memory.delete(key);
  }

  /** Drops all values from memory that match. For rare changes, since it looks at every value. */
  dropWhere(matches: (value: V) => boolean): void {
    for (const [key, value] of this.#memory.entries()) if (value && matches(value)) this.#memory.delete(key);
  }

  /** Drops `key` from memory and KV. Other isolates keep their copies until these expire. */
  async forget(env: Env, key: K): Promise<void> {
    this.drop(key);
    this.#written.delete(key);
    if (this.#kv !== undefined) await settleKvWrite(env.DOCUMENTS.delete(`${this.#kv}:${key}`));
  }

  async #read(reader: Reader, keys: K[]): Promise<Map<K, V>> {
    try {
      return await this.#flights.read(reader.background, keys, (keys) => this.#fromBelow(reader, keys));
    } catch (error) {
      const known = this.remembered(keys, STALE_AT_MOST);
      const unknown = keys.filter((key) => !known.has(key));
      const cached = unknown.length > 0 ? await this.#fromKv(reader, unknown) : known;
      if (unknown.some((key) => !cached.has(key))) throw error;
      reader.served.isStale = true;
      return new Map([...known, ...cached]);
    }
  }

  /** Asks KV and D1 at the same time for a small set, since either may be the nearer one and KV may lack the keys. */
  async #fromBelow(reader: Reader, keys: K[]): Promise<Map<K, V>> {
    const loaded = this.renew(reader, keys);
    if (this.#kv === undefined || keys.length > KV_AT_MOST) return loaded;
    reader.background.waitUntil(loaded.catch(() => undefined)); // It goes on when KV is first.
    try {
      return await Promise.any([loaded, this.#allFromKv(reader, keys)]);
    } catch {
      return loaded;
    }
  }

  /** Returns all `keys` from KV, or rejects. */
  async #allFromKv(reader: Reader, keys: K[]): Promise<Map<K, V>> {
    const cached = await this.#fromKv(reader, keys);
    if (cached.size < keys.length) throw new Error("KV lacks some of the keys");
    for (const [key, value] of cached) if (!this.#memory.get(key)?.value) this.#memory.set(key, value);
    return cached;
  }

  async #fromKv(reader: Reader, keys: K[]): Promise<Map<K, V>> {
    const found = new Map<K, V>();
    const kind = this.#kv;
    if (kind === undefined) return found;
    try {
      for (let start = 0; start < keys.length; start += KV_KEYS_MAX) {
        const page = keys.slice(start, start + KV_KEYS_MAX);
        const names = page.map((key) => `${kind}:${key}`);
        const values = await reader.served.timed("kv", () =>
          within(KV_TIMEOUT, reader.env.DOCUMENTS.get<V>(names, "json"), "KV"),
        );
        for (const key of page) {
          const value = values.get(`${kind}:${key}`);
          if (value) found.set(key, value);
        }
      }
    } catch (error) {
      logWarning("KV not read", { error: String(error) }); // A cache that is down must not fail the request.
    }
    return found;
  }

  async #toKv(env: Env, kind: string, values: Map<K, V>): Promise<void> {
    await Promise.all(
      [...values].map(async ([key, value]) => {
        const text = JSON.stringify(value);
        const version = fingerprintOf([text]);
        const last = this.#written.get(key);
        if (last?.value === version && Date.now() - last.at < WRITTEN_AT_MOST_EVERY) return;
        this.#written.set(key, version);
        await settleKvWrite(env.DOCUMENTS.put(`${kind}:${key}`, text, { expirationTtl: KV_TTL }));
      }),
    );
  }
}
