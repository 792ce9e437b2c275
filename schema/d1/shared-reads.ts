import type { Background } from "../background.ts";
import type { Breaker } from "./breaker.ts";
import { CombinedReads, type Query, type QueryResult } from "./combined-reads.ts";
import { TimeoutError } from "./deadline.ts";

/** Calls of one database, each with a deadline. A session returns the bookmark of the state that it read. */
type Calls = {
  batch(queries: readonly Query[]): Promise<{ rows: unknown[] }[]>;
  inSession(
    queries: readonly Query[],
    consistency: string,
  ): Promise<{ results: { rows: unknown[] }[]; bookmark: string | undefined }>;
};

/** Reads of one database, shared by all requests of this isolate: they travel in common calls, and spare a late database. */
export class SharedReads {
  readonly #calls: Calls;
  readonly #breaker: Breaker;
  readonly #primary: CombinedReads;
  readonly #replica: CombinedReads;
  /** The newest bookmark that a replica is known to have reached. */
  #newest: string | undefined;

  constructor(calls: Calls, breaker: Breaker) {
    this.#calls = calls;
    this.#breaker = breaker;
    this.#primary = new CombinedReads(async (queries) =>
      (await calls.batch(queries)).map(({ rows }) => ({ rows, bookmark: undefined })),
    );
    this.#replica = new CombinedReads(async (queries) => {
      const results = await this.#near(queries, this.#newest ?? "first-unconstrained").catch((error: unknown) => {
        this.#newest = undefined; // D1 may have rejected the bookmark itself, for example after a Time Travel restore.
        throw error;
      });
      const bookmark = results[0]?.bookmark ?? "";
      if (bookmark > (this.#newest ?? "")) this.#newest = bookmark;
      return results;
    });
  }

  /** Reads the primary. */
  primary<Row>(query: Query, background: Background): Promise<QueryResult<Row>> {
    return this.#breaker.run(() => this.#primary.run<Row>(query, background));
  }

  /** Reads the nearest replica that has reached the bookmark `atLeast`. */
  replica<Row>(query: Query, atLeast: string | undefined, background: Background): Promise<QueryResult<Row>> {
    const isReached = atLeast === undefined || (this.#newest !== undefined && atLeast <= this.#newest);
    return this.#breaker.run(async () =>
      isReached ? this.#replica.run<Row>(query, background) : this.#asNewAs<Row>(query, atLeast),
    );
  }

  /**
   * Reads in a call of its own, because a bookmark that came from a client may be forged and would fail a shared call.
   */
  async #asNewAs<Row>(query: Query, bookmark: string): Promise<QueryResult<Row>> {
    const results = await this.#near([query], bookmark).catch((error: unknown) => {
      if (error instanceof TimeoutError) throw error;
      return this.#near([query], "first-primary");
    });
    const [result] = results;
    if (!result) throw new Error("a query returned no result");
    return result as QueryResult<Row>;
  }

  async #near(queries: readonly Query[], consistency: string): Promise<QueryResult<unknown>[]> {
    const { results, bookmark } = await this.#calls.inSession(queries, consistency);
    return results.map(({ rows }) => ({ rows, bookmark }));
  }
}
