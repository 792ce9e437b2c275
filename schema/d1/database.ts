/**
 * The only access to D1. Every read and write of the product goes through a `Database`, which gives each call a
 * deadline and, if a request waits for it, a circuit breaker. A statement is text with parameters and is not bound to a
 * database, so it can be built anywhere and run again on another database.
 */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { Breaker } from "./breaker.ts";
import { STORE_TIMEOUT, within } from "./deadline.ts";
import { SharedReads } from "./shared-reads.ts";

/** One SQL statement. Its parameters are numbered: `?1` stands for the first of `params`. */
export type Statement = { readonly sql: string; readonly params: readonly unknown[] };

/** The result of one statement of a batch: the rows it returned, and how many rows it changed. */
export type Result<Row = unknown> = { rows: Row[]; changes: number };

/** Where a batch runs: on the primary, on the nearest replica, or on any copy at least as new as a bookmark. */
export type Consistency = "first-primary" | "first-unconstrained" | (string & {});

/** D1 itself aborts a query or a batch after 30 s: https://developers.cloudflare.com/d1/platform/limits/ */
const PATIENT_WITHIN = 30_000; // ms

export const statement = (sql: string, ...params: readonly unknown[]): Statement => ({ sql, params });

/** Runs statements on one D1 database. `databaseOf` in shards.ts finds the one that holds an id. */
export class Database {
  readonly #d1: D1Database;
  readonly #within: number;
  readonly #breaker: Breaker | undefined;
  #orm: DrizzleD1Database | undefined;
  #patient: Database | undefined;
  #shared: SharedReads | undefined;

  private constructor(d1: D1Database, deadline: number, breaker: Breaker | undefined) {
    this.#d1 = d1;
    this.#within = deadline;
    this.#breaker = breaker;
  }

  /** Returns the `Database` of a binding, always the same one, so that all requests of an isolate share its breaker. */
  static of(d1: D1Database): Database {
    const known = byBinding.get(d1);
    if (known) return known;
    const database = new Database(d1, STORE_TIMEOUT, new Breaker());
    byBinding.set(d1, database);
    return database;
  }

  /** The same database for background work (queues, cron): calls may take 30 s, and no breaker rejects them. */
  get patient(): Database {
    this.#patient ??= new Database(this.#d1, PATIENT_WITHIN, undefined);
    return this.#patient;
  }

  /** Reads that concurrent requests of this isolate make in common calls. */
  get shared(): SharedReads {
    // The breakers are outermost: a request that they reject does not wait for the call of another one.
    this.#shared ??= new SharedReads(new Database(this.#d1, this.#within, undefined), this.#breaker ?? new Breaker());
    return this.#shared;
  }

  /**
   * Drizzle's query builder for this database, for simple statements. Building a statement takes longer than running
   * it, so hot paths use text that was built when their module was loaded (sql.ts).
   */
  get orm(): DrizzleD1Database {
    this.#orm ??= drizzle(this.#guarded());
    return this.#orm;
  }

  /** Whether both use the same binding. */
  isSame(other: Database): boolean {
    return this.#d1 === other.#d1;
  }

  /** Runs one statement on the primary and returns all its rows. */
  async all<Row>(sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    const { results } = await this.#call(() => this.#bound(sql, params).all<Row>());
    return results;
  }

  /** Runs one statement on the primary and returns its first row, or undefined if there is none. */
  async first<Row>(sql: string, ...params: readonly unknown[]): Promise<Row | undefined> {
    return (await this.all<Row>(sql, ...params))[0];
  }

  /** Runs one statement on the primary and returns how many rows it changed. */
  async run(sql: string, ...params: readonly unknown[]): Promise<number> {
    const { meta } = await this.#call(() => this.#bound(sql, params).run());
    return meta.changes;
  }

  /**
   * Runs statements in one transaction on the primary. If it rejects with a timeout, it may still have been committed.
   */
  async batch<Row>(statements: readonly Statement[]): Promise<Result<Row>[]> {
    return (await this.#call(() => this.#d1.batch<Row>(this.#prepared(this.#d1, statements)))).map(resultOf);
  }

  /**
   * Like `batch`, but in a session. `bookmark` identifies the state that the batch read or created, if D1 returns one.
   */
  async inSession<Row>(
    statements: readonly Statement[],
    consistency: Consistency,
  ): Promise<{ results: Result<Row>[]; bookmark: string | undefined }> {
    const session = this.#d1.withSession(consistency);
    const results = await this.#call(() => session.batch<Row>(this.#prepared(session, statements)));
    return { results: results.map(resultOf), bookmark: session.getBookmark() ?? undefined };
  }

  #bound(sql: string, params: readonly unknown[]): D1PreparedStatement {
    return this.#d1.prepare(sql).bind(...params);
  }

  #prepared(at: D1Database | D1DatabaseSession, statements: readonly Statement[]): D1PreparedStatement[] {
    return statements.map(({ sql, params }) => at.prepare(sql).bind(...params));
  }

  #call<T>(ask: () => Promise<T>): Promise<T> {
    const guarded = () => within(this.#within, ask(), "D1");
    return this.#breaker ? this.#breaker.run(guarded) : guarded();
  }

  /** The part of a D1 binding that Drizzle uses, with the same deadline and breaker. */
  #guarded(): D1Database {
    const prepared = (bound: D1PreparedStatement) => ({
      bind: (...params: unknown[]) => prepared(bound.bind(...params)),
      all: () => this.#call(() => bound.all()),
      run: () => this.#call(() => bound.run()),
      raw: () => this.#call(() => bound.raw()),
    });
    return { prepare: (sql: string) => prepared(this.#d1.prepare(sql)) } as unknown as D1Database;
  }
}

const byBinding = new WeakMap<D1Database, Database>();

const resultOf = <Row>({ results, meta }: D1Result<Row>): Result<Row> => ({ rows: results, changes: meta.changes });
