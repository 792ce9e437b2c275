import type { Background } from "../background.ts";
import { TimeoutError, STORE_TIMEOUT, within } from "./deadline.ts";

/** One statement that only reads. Parameters are numbered: ?1, ?2... */
export type Query = { sql: string; params: readonly unknown[] };
/** The rows of one query. `bookmark` is the version of the database that was read, if the database reports one. */
export type QueryResult<Row> = { rows: Row[]; bookmark: string | undefined };
/** Runs queries as one call to the database, against one snapshot of it. */
export type RunAll = (queries: readonly Query[]) => Promise<QueryResult<unknown>[]>;

/** A batch is one transaction, and the queries queued after it must not wait long. */
const QUERIES_PER_CALL = 64;
/** How long a request waits for the leading request before it makes a call itself. */
const LED_WITHIN = 500; // ms
/** How many turns of the microtask queue a call waits for more queries: more than the awaits between two queries of a request. */
const TURNS = 16;

/** What a waiting request receives: its result, an error, the lead (it calls for all that wait), or to query alone. */
type Outcome = { result: QueryResult<unknown> } | { error: unknown } | "lead" | "alone";
/** `isCalled`: a call that contains the query is under way. */
type Waiting = { query: Query; settle: (outcome: Outcome) => void; isCalled: boolean };

/**
 * Combines the reads of one isolate from one database into as few calls as possible: while a call is under way, new
 * queries gather for the next one. A database runs one call at a time, and the overhead of a call outweighs a small
 * query, so under load this is worth several databases. A lone request runs at once.
 *
 * Each call is made by one of the requests that wait for it, because the runtime binds I/O to a request and ends it
 * with that request. The leader passes on the lead together with the results. No request depends on another for longer
 * than LED_WITHIN, nor on the queries of others: when a call fails, each request runs its own query.
 */
export class CombinedReads {
  readonly #runAll: RunAll;
  #isLed = false;
  #waiting: Waiting[] = [];

  constructor(runAll: RunAll) {
    this.#runAll = runAll;
  }

  /** Rejects when the database fails, or does not answer in time. */
  async run<Row>(query: Query, background: Background): Promise<QueryResult<Row>> {
    const outcome = this.#isLed ? await this.#wait(query) : "lead";
    if (outcome === "lead") return (await this.#lead(query, background)) as QueryResult<Row>;
    if (outcome === "alone") return (await this.#runAlone(query)) as QueryResult<Row>;
    if ("error" in outcome) throw outcome.error;
    return outcome.result as QueryResult<Row>;
  }

  async #wait(query: Query): Promise<Outcome> {
    const waiting: Waiting = { query, settle: () => undefined, isCalled: false };
    const outcome = new Promise<Outcome>((resolve) => {
      waiting.settle = resolve;
    });
    this.#waiting.push(waiting);
    try {
      return await within(LED_WITHIN, outcome, "another request");
    } catch {
      if (waiting.isCalled) return this.#waitForCall(outcome);
      // The leader is slow, or has ended without passing on the lead: this request calls for all that wait from now on.
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      return "lead";
    }
  }

  /** Waits longer, because a call that is under way has its own deadline. */
  async #waitForCall(outcome: Promise<Outcome>): Promise<Outcome> {
    try {
      return await within(STORE_TIMEOUT, outcome, "another request");
    } catch {
      return "alone";
    }
  }

  async #lead(query: Query, background: Background): Promise<QueryResult<unknown>> {
    this.#isLed = true;
    // Lets queries of the same moment join the call, even from behind some awaits.
    for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
    const followers = this.#waiting.splice(0, QUERIES_PER_CALL - 1);
    for (const follower of followers) follower.isCalled = true;
    const results = this.#runAll([query, ...followers.map((follower) => follower.query)]);
    // The client may abandon the leading request; the followers must receive their results all the same.
    const settled = this.#settle(followers, results);
    background.waitUntil(settled);
    const outcome = await settled;
    if (outcome === "alone") return this.#runAlone(query);
    if ("error" in outcome) throw outcome.error;
    return outcome.result;
  }

  /** Settles each follower and returns the outcome for the leader. */
  async #settle(
    followers: readonly Waiting[],
    results: Promise<QueryResult<unknown>[]>,
  ): Promise<Exclude<Outcome, "lead">> {
    try {
      const [own, ...others] = await results;
      for (const [index, result] of others.entries()) followers[index]?.settle({ result });
      return own ? { result: own } : "alone";
    } catch (error) {
      // One bad query fails the whole call, so each runs again alone; after a timeout no time is left for that.
      const outcome = followers.length === 0 || error instanceof TimeoutError ? { error } : "alone";
      for (const follower of followers) follower.settle(outcome);
      return outcome;
    } finally {
      const next = this.#waiting.shift();
      if (next) next.settle("lead");
      else this.#isLed = false;
    }
  }

  async #runAlone(query: Query): Promise<QueryResult<unknown>> {
    const [result] = await this.#runAll([query]);
    if (!result) throw new Error("a query returned no result");
    return result;
  }
}
