import type { Background } from "../background.ts";
import { Breaker } from "./breaker.ts";
import { CombinedReads, type Query, type QueryResult } from "./combined-reads.ts";
import { TimeoutError } from "./deadline.ts";

/** Calls of one database, each with a deadline. A session returns the bookmark of the state that it read. */
type Calls = {
  inSession(
    queries: readonly Query[],
    consistency: string,
  ): Promise<{ results: { rows: unknown[] }[]; bookmark: string | undefined }>;
};

/** Reads of one database, shared by all requests of this isolate: they travel in common calls, and spare a late database. */
export class SharedReads {
  readonly #calls: Calls;
  readonly #primaryBreaker: Breaker;
  /** Replicas answer while the primary is down, so a late primary must not keep reads from them. */
  readonly #replicaBreaker = new Breaker();
  readonly #primary: CombinedReads;
  readonly #replica: CombinedReads;
  /** Reads that wait for a bookmark, while any is under way. */
  readonly #byBookmark = new Map<string, CombinedReads>();
  /** The newest bookmark that a replica is known to have reached. */
  #newest: string | undefined;

  constructor(calls: Calls, primaryBreaker: Breaker) {
    this.#calls = calls;
    this.#primaryBreaker = primaryBreaker;
    this.#primary = new CombinedReads((queries) => this.#call(queries, "first-primary"));
    this.#replica = new CombinedReads((queries) => this.#fromNewest(queries));
  }

  /** Reads the primary. */
  primary<Row>(query: Query, background: Background): Promise<QueryResult<Row>> {
    return this.#primaryBreaker.run(() => this.#primary.run<Row>(query, background));
  }

  /**
   * Reads the nearest replica that has reached the bookmarks `atLeast` and `floor`, and everything that earlier calls of this
   * isolate have read. `floor` is of the database itself and holds for all of its reads.
   */
  replica<Row>(
    query: Query,
    { atLeast, floor }: { atLeast?: string | undefined; floor?: string | undefined },
    background: Background,
  ): Promise<QueryResult<Row>> {
    if (floor !== undefined && floor > (this.#newest ?? "")) this.#newest = floor;
    const isReached = atLeast === undefined || (this.#newest !== undefined && atLeast <= this.#newest);
    // Waiting for a replica to reach a bookmark may take as long as reaching the primary, so it trips no breaker.
    if (!isReached) return this.#asNewAs<Row>(query, atLeast, background);
    return this.#replicaBreaker.run(() => this.#replica.run<Row>(query, background));
  }

  /**
   * Reads for requests that may need no more than `#newest`, which therefore never goes back, except to what the primary
   * says when D1 has rejected it, for example after a Time Travel restore.
   */
  async #fromNewest(queries: readonly Query[]): Promise<QueryResult<unknown>[]> {
    const from = this.#newest;
    const { results, isFromPrimary } = await this.#reading(queries, from ?? "first-unconstrained");
    const bookmark = results[0]?.bookmark ?? "";
    const isVoid = isFromPrimary && this.#newest === from;
    if (bookmark !== "" && (isVoid || bookmark > (this.#newest ?? ""))) this.#newest = bookmark;
    return results;
  }

  /**
   * Reads apart from requests with other bookmarks, because a bookmark that came from a client may be forged and would fail
   * a shared call.
   */
  async #asNewAs<Row>(query: Query, bookmark: string, background: Background): Promise<QueryResult<Row>> {
    const reads =
      this.#byBookmark.get(bookmark) ??
      new CombinedReads(async (queries) => (await this.#reading(queries, bookmark)).results);
    this.#byBookmark.set(bookmark, reads);
    try {
      return await reads.run<Row>(query, background);
    } finally {
      if (this.#byBookmark.get(bookmark) === reads) this.#byBookmark.delete(bookmark);
    }
  }

  /** Reads a copy as `consistency` says. If D1 rejects that, the primary answers: it is as new as any real bookmark. */
  async #reading(
    queries: readonly Query[],
    consistency: string,
  ): Promise<{ results: QueryResult<unknown>[]; isFromPrimary: boolean }> {
    try {
      return { results: await this.#call(queries, consistency), isFromPrimary: false };
    } catch (error) {
      if (error instanceof TimeoutError) throw error;
      return { results: await this.#call(queries, "first-primary"), isFromPrimary: true };
    }
  }

  async #call(queries: readonly Query[], consistency: string): Promise<QueryResult<unknown>[]> {
    const { results, bookmark } = await this.#calls.inSession(queries, consistency);
    return results.map(({ rows }) => ({ rows, bookmark }));
  }
}
