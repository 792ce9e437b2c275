import type { Background } from "../../schema/background.ts";
import { LateError, STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";

/** One statement that only reads. Parameters are numbered: ?1, ?2... */
export type Query = { sql: string; params: readonly unknown[] };
/** `bookmark`: how new the state was that was read, if the database says so. */
export type Answer<Row> = { rows: Row[]; bookmark: string | undefined };
/** Runs queries as one call of the database, which sees them in one state. */
export type RunAll = (queries: readonly Query[]) => Promise<Answer<unknown>[]>;

/** A batch is one transaction, and what waits behind it must not wait for long. */
const QUERIES_PER_CALL = 64;
/** How long a request waits for the one that asks for it, before it asks by itself. */
const LED_WITHIN = 500; // ms

/** What a waiting request is told: its answer, what came of it, or that it is its turn to ask for those who wait. */
type News = { answer: Answer<unknown> } | { error: unknown } | "lead" | "alone";
/** `isAsked`: in a call that is under way. */
type Waiting = { query: Query; tell: (news: News) => void; isAsked: boolean };

/**
 * Reads of one database by the requests of one isolate, in as few calls as there can be: while one is under way, what comes
 * gathers for the next. A database does one call at a time and most of a small one is not its query, so under load this
 * is worth several databases; whoever comes alone is served at once.
 *
 * Each call is made by one of the requests that wait for it (the runtime binds I/O to a request, and ends with the
 * request what it had begun), which hands the lead on with the answers. Nobody depends on another for longer than
 * LED_WITHIN, nor on the queries of others: when a call fails, each asks for itself.
 */
export class CombinedReads {
  readonly #runAll: RunAll;
  #isLed = false;
  #waiting: Waiting[] = [];

  constructor(runAll: RunAll) {
    this.#runAll = runAll;
  }

  /** Rejects when the database fails, or does not answer in time. */
  async run<Row>(query: Query, background: Background): Promise<Answer<Row>> {
    const news = this.#isLed ? await this.#wait(query) : "lead";
    if (news === "lead") return (await this.#lead(query, background)) as Answer<Row>;
    if (news === "alone") return (await this.#alone(query)) as Answer<Row>;
    if ("error" in news) throw news.error;
    return news.answer as Answer<Row>;
  }

  async #wait(query: Query): Promise<News> {
    const waiting: Waiting = { query, tell: () => undefined, isAsked: false };
    const news = new Promise<News>((resolve) => {
      waiting.tell = resolve;
    });
    this.#waiting.push(waiting);
    try {
      return await within(LED_WITHIN, news, "another request");
    } catch {
      if (waiting.isAsked) return this.#asked(news);
      // Whoever has the lead is slow, or gone with it: from now on this one asks for all who wait.
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      return "lead";
    }
  }

  /** A call that is under way has its own deadline. */
  async #asked(news: Promise<News>): Promise<News> {
    try {
      return await within(STORE_ANSWERS_WITHIN, news, "another request");
    } catch {
      return "alone";
    }
  }

  async #lead(query: Query, background: Background): Promise<Answer<unknown>> {
    this.#isLed = true;
    await Promise.resolve(); // So that what is asked in the same moment goes along.
    const followers = this.#waiting.splice(0, QUERIES_PER_CALL - 1);
    for (const follower of followers) follower.isAsked = true;
    const answers = this.#runAll([query, ...followers.map((follower) => follower.query)]);
    // The request itself may be given up by its sender; those who wait must hear of the answer all the same.
    const told = this.#tell(followers, answers);
    background.waitUntil(told);
    const news = await told;
    if (news === "alone") return this.#alone(query);
    if ("error" in news) throw news.error;
    return news.answer;
  }

  /** Tells each follower, and gives back what the leader is to know. */
  async #tell(followers: readonly Waiting[], asked: Promise<Answer<unknown>[]>): Promise<Exclude<News, "lead">> {
    try {
      const [own, ...others] = await asked;
      for (const [index, answer] of others.entries()) followers[index]?.tell({ answer });
      return own ? { answer: own } : "alone";
    } catch (error) {
      // A call that failed may have failed for one of its queries; one that was late has no time left for another.
      const news = followers.length === 0 || error instanceof LateError ? { error } : "alone";
      for (const follower of followers) follower.tell(news);
      return news;
    } finally {
      const next = this.#waiting.shift();
      if (next) next.tell("lead");
      else this.#isLed = false;
    }
  }

  async #alone(query: Query): Promise<Answer<unknown>> {
    const [answer] = await this.#runAll([query]);
    if (!answer) throw new Error("a query was not answered");
    return answer;
  }
}
