/**
 * What many people read and what hardly changes, or may be a moment old: what a post shows, where it stands, who a person
 * is. Each is looked for in the isolate's memory, then in KV, then in D1, and is written back to where it was not. KV is
 * near, but a key of it costs as much as 500 rows of D1 to read and 5,000 to write. So only a few keys are looked for
 * there, and written when this isolate has needed them before; many are one query of D1.
 * What many ask for at once is read once, and what is not there is remembered as well, for a moment. When the databases
 * fail, what was last known is the answer, and the reader is told.
 */
import { fingerprintOf } from "../../schema/fingerprint.ts";
import { Flights } from "./flights.ts";
import { Memory } from "./memory.ts";
import type { Reader } from "./reader.ts";
import { KV_ANSWERS_WITHIN, STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";

const MEMORY_MAX = 5000; // Values of about 1 kB.
/** How long what this isolate has written to KV is not written there again. */
const WRITTEN_AT_MOST_EVERY = 300_000; // ms
/** So that who asks for what is not there again and again is not answered by a database each time. */
const ABSENT_FOR = 1000; // ms
const KV_TTL = 600; // s
/** How many keys are looked for in KV before D1 is asked. */
const KV_FIRST = 3;
const KV_KEYS_MAX = 100; // The most keys of one bulk get.

type Load<K, V> = (reader: Reader, keys: K[]) => Promise<Map<K, V>>;
type Options<K, V> = {
  /** Reads what no tier has, from D1. */
  load: Load<K, V>;
  /** How long memory counts as fresh, in ms. */
  freshFor: number;
  /** How many memory holds, if they are larger than others. */
  max?: number;
  /** Names the kind in KV; without it there is none. A value may be KV_TTL and `freshFor` old then. */
  kv?: string;
};

/** A write to KV, which may fail: what is not there costs a query, and what should not be there is old soon. */
export async function settled(write: Promise<unknown>): Promise<void> {
  try {
    await within(STORE_ANSWERS_WITHIN, write, "KV");
  } catch (error) {
    console.warn("KV not written", { error: String(error) });
  }
}

export class Tiers<K extends string, V extends object> {
  readonly #load: Load<K, V>;
  readonly #freshFor: number;
  readonly #kv: string | undefined;
  /** Null for what is known to be absent. */
  readonly #memory: Memory<K, V | null>;
  /** What this isolate has written to KV, in short. */
  readonly #written = new Memory<K, string>(MEMORY_MAX);
  readonly #flights = new Flights<K, V>();

  constructor({ load, freshFor, kv, max = MEMORY_MAX }: Options<K, V>) {
    this.#memory = new Memory(max);
    this.#load = load;
    this.#freshFor = freshFor;
    this.#kv = kv;
  }

  /**
   * Those of `keys` that exist. Costs nothing when all are in memory; else one KV read for up to three of them, and one D1
   * query for each database that holds one of the rest.
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

  /** Reads `keys` from D1, whatever the tiers have, and gives the tiers what was found. */
  async renew(reader: Reader, keys: K[]): Promise<Map<K, V>> {
    const loaded = await this.#load(reader, keys);
    // What is looked for in KV, and was needed here before.
    const wanted = keys.length <= KV_FIRST ? [...loaded].filter(([key]) => this.#memory.get(key)) : [];
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

  /** For what was read together with something else. What is the same stays the same object, and so what is made of it. */
  learn(key: K, value: V): void {
    const known = this.#memory.get(key)?.value;
    this.#memory.set(key, known && JSON.stringify(known) === JSON.stringify(value) ? known : value);
  }

  /** For what may be old: it counts where nothing is known, and while nothing newer can be read. */
  learnOld(key: K, value: V): void {
    if (!this.#memory.get(key)?.value) this.#memory.set(key, value, 0);
  }

  /** Once it may be there. */
  dropAbsence(key: K): void {
    if (this.#memory.get(key)?.value === null) this.#memory.delete(key);
  }

  /** After a change: this isolate shows it at once. */
  drop(key: K): void {
    this.#memory.delete(key);
  }

  /** As `drop`, and whoever finds it in KV; others when their time is over. */
  async forget(env: Env, key: K): Promise<void> {
    this.drop(key);
    this.#written.delete(key);
    if (this.#kv !== undefined) await settled(env.DOCUMENTS.delete(`${this.#kv}:${key}`));
  }

  async #read(reader: Reader, keys: K[]): Promise<Map<K, V>> {
    try {
      return await this.#flights.read(reader.background, keys, (keys) => this.#fromBelow(reader, keys));
    } catch (error) {
      const known = this.#remembered(keys);
      const unknown = keys.filter((key) => !known.has(key));
      const cached = unknown.length > 0 ? await this.#fromKv(reader, unknown) : known;
      if (unknown.some((key) => !cached.has(key))) throw error;
      reader.served.isStale = true;
      return new Map([...known, ...cached]);
    }
  }

  async #fromBelow(reader: Reader, keys: K[]): Promise<Map<K, V>> {
    const cached = keys.length <= KV_FIRST ? await this.#fromKv(reader, keys) : new Map<K, V>();
    for (const [key, value] of cached) this.#memory.set(key, value);
    const missing = keys.filter((key) => !cached.has(key));
    return missing.length === 0 ? cached : new Map([...cached, ...(await this.renew(reader, missing))]);
  }

  /** However long ago. */
  #remembered(keys: K[]): Map<K, V> {
    return new Map(
      keys.flatMap((key) => {
        const known = this.#memory.get(key);
        return known?.value ? [[key, known.value] as const] : [];
      }),
    );
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
          within(KV_ANSWERS_WITHIN, reader.env.DOCUMENTS.get<V>(names, "json"), "KV"),
        );
        for (const key of page) {
          const value = values.get(`${kind}:${key}`);
          if (value) found.set(key, value);
        }
      }
    } catch (error) {
      console.warn("KV not read", { error: String(error) }); // A cache that is down must not be noticed.
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
        await settled(env.DOCUMENTS.put(`${kind}:${key}`, text, { expirationTtl: KV_TTL }));
      }),
    );
  }
}
