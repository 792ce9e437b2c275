/**
 * Documents that many people read and that hardly change: what a post shows, who a person is. Each is looked for in the
 * isolate's memory, then in KV, then in D1; what a tier did not have is written back to it.
 *
 * A document may be as old as MEMORY_TTL plus KV_TTL, so nothing is kept in one that must be true at once: counts, and
 * whether a viewer may see it, are read from D1 each time.
 */
import type { Id } from "../../schema/ids.ts";

const MEMORY_TTL = 10_000; // ms
const MEMORY_MAX = 5000; // Documents of about 1 kB, in an isolate of 128 MB.
const KV_TTL = 600; // s
const KV_KEYS_MAX = 100; // The most keys of one bulk get.

type Load<K, D> = (env: Env, ids: K[]) => Promise<Map<K, D>>;

export class Documents<K extends Id, D extends object> {
  readonly #prefix: string;
  readonly #load: Load<K, D>;
  readonly #memory = new Map<K, { document: D; until: number }>();

  /** `load` reads what no tier had, from D1. `prefix` names the kind in KV. */
  constructor(prefix: string, load: Load<K, D>) {
    this.#prefix = prefix;
    this.#load = load;
  }

  /**
   * Those of `ids` that exist. Costs nothing when all are in memory, one KV read when all are in KV, and one D1 query
   * for each database that holds one of the rest.
   */
  async get(env: Env, background: Background, ids: Iterable<K>): Promise<Map<K, D>> {
    const found = new Map<K, D>();
    const now = Date.now();
    for (const id of new Set(ids)) {
      const entry = this.#memory.get(id);
      if (entry && entry.until > now) found.set(id, entry.document);
    }
    const absent = [...new Set(ids)].filter((id) => !found.has(id));
    if (absent.length === 0) return found;

    for (const [id, document] of await this.#fromKv(env, absent)) found.set(id, document);
    const missing = absent.filter((id) => !found.has(id));
    if (missing.length > 0) {
      for (const [id, document] of await this.renew(env, background, missing)) found.set(id, document);
    }
    for (const id of absent) this.#remember(id, found.get(id), now);
    return found;
  }

  /** Reads `ids` from D1, whatever the tiers have, and gives the tiers what was found. */
  async renew(env: Env, background: Background, ids: K[]): Promise<Map<K, D>> {
    const loaded = await this.#load(env, ids);
    background.waitUntil(this.#toKv(env, loaded));
    for (const id of ids) this.#remember(id, loaded.get(id), Date.now());
    return loaded;
  }

  /** After a change: this isolate shows it at once, others within the two TTLs. */
  async forget(env: Env, id: K): Promise<void> {
    this.#memory.delete(id);
    await env.DOCUMENTS.delete(this.#key(id));
  }

  async #fromKv(env: Env, ids: K[]): Promise<Map<K, D>> {
    const documents = new Map<K, D>();
    try {
      for (let start = 0; start < ids.length; start += KV_KEYS_MAX) {
        const page = ids.slice(start, start + KV_KEYS_MAX);
        const values = await env.DOCUMENTS.get<D>(
          page.map((id) => this.#key(id)),
          "json",
        );
        for (const id of page) {
          const document = values.get(this.#key(id));
          if (document) documents.set(id, document);
        }
      }
    } catch (error) {
      console.warn("KV not read, asking D1", { error: String(error) }); // A cache that is down must not be noticed.
    }
    return documents;
  }

  async #toKv(env: Env, documents: Map<K, D>): Promise<void> {
    const writes = [...documents].map(([id, document]) =>
      env.DOCUMENTS.put(this.#key(id), JSON.stringify(document), { expirationTtl: KV_TTL }),
    );
    for (const result of await Promise.allSettled(writes)) {
      if (result.status === "rejected") console.warn("KV not written", { error: String(result.reason) });
    }
  }

  #remember(id: K, document: D | undefined, now: number): void {
    if (!document) return;
    this.#memory.delete(id); // So that the oldest stand first.
    this.#memory.set(id, { document, until: now + MEMORY_TTL });
    const [oldest] = this.#memory.keys();
    if (this.#memory.size > MEMORY_MAX && oldest !== undefined) this.#memory.delete(oldest);
  }

  #key(id: K): string {
    return `${this.#prefix}:${id}`;
  }
}

/** What may go on after the answer: Hono's executionCtx is one. */
export type Background = Pick<ExecutionContext, "waitUntil">;
