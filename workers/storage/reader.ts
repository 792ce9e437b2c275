import type { Viewer } from "./viewer.ts";
import type { Refusable, Snapshot } from "../../durable-objects/post/post-results.ts";
import type { Id, PersonId, PostId } from "../../schema/ids.ts";
import { bindingOf, byDatabase, databaseOf, firstShards } from "../../schema/d1/shards.ts";
import { Breaker } from "../../schema/d1/breaker.ts";
import { LateError, STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import { CombinedReads, type Query, type QueryResult } from "./combined-reads.ts";
import { Seen } from "./consistency.ts";
import { Served } from "./served.ts";
import type { Background } from "../../schema/background.ts";

/** Reads on behalf of one request. Knows its viewer, what they must see, and which stores have served it. */
export class Reader {
  readonly env: Env;
  readonly background: Background;
  readonly seen: Seen;
  readonly served = new Served();
  /**
   * The person whose posts are read, if all are one person's. A kept response about them is not served once they are
   * private.
   */
  about: PersonId | undefined;
  /** Undefined for an anonymous viewer. Set when the session has been read. */
  viewer: Viewer | undefined;

  constructor(env: Env, background: Background, token?: string) {
    this.env = env;
    this.background = background;
    this.seen = new Seen(token);
  }

  get person(): PersonId | undefined {
    return this.viewer?.person;
  }

  /** Whether the viewer has blocked anybody or is blocked by anybody. */
  get hasBlocks(): boolean {
    return this.viewer?.hasBlocks ?? false;
  }

  /**
   * Reads the primary of the database of `key`. For data that must be current, such as sessions and blocks, and for
   * data read with it in one call. Costs one D1 query; concurrent queries of this isolate share one call.
   */
  async primary<Row>(key: Id | number, sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    const shared = sharedOf(databaseOf(this.env, key));
    const { rows } = await this.#timed(() => shared.primary<Row>({ sql, params }, this.background));
    return rows;
  }

  /**
   * Reads the nearest replica of the database of `key` that is at least as new as everything this reader has read and
   * written. Costs as much as `primary`.
   */
  async replica<Row>(key: Id | number, sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    const binding = bindingOf(this.env, key);
    const shared = sharedOf(databaseOf(this.env, key));
    const atLeast = this.seen.bookmark(binding);
    const { rows, bookmark } = await this.#timed(() => shared.replica<Row>({ sql, params }, atLeast, this.background));
    if (bookmark !== undefined) this.seen.reached(binding, bookmark);
    return rows;
  }

  /**
   * Reads a replica of each database that holds one of `ids`, which `sql` reads with `json_each(?1)`. One D1 query
   * each.
   */
  async replicasByIds<Row>(ids: Iterable<Id>, sql: string): Promise<Row[]> {
    return (await Promise.all(this.#grouped(ids).map(([key, group]) => this.replica<Row>(key, sql, group)))).flat();
  }

  /**
   * Reads a replica of every database, one D1 query each. Leaves out copies of rows that are moving between databases.
   */
  async everyReplica<Row extends { id: Id }>(sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    const results = firstShards(this.env).map(async (shard) => {
      const home = bindingOf(this.env, shard);
      const rows = await this.replica<Row>(shard, sql, ...params);
      return rows.filter(({ id }) => bindingOf(this.env, id) === home);
    });
    return (await Promise.all(results)).flat();
  }

  /** Reads the primary of each database that holds one of `ids`, as `replicasByIds` does. */
  async primariesByIds<Row>(ids: Iterable<Id>, sql: string): Promise<Row[]> {
    return (await Promise.all(this.#grouped(ids).map(([key, group]) => this.primary<Row>(key, sql, group)))).flat();
  }

  /** Reads a post from its actor. Costs one actor call. */
  snapshot(post: PostId): Promise<Refusable<Snapshot>> {
    return this.served.timed("actor", async () => this.env.POSTS.getByName(post).snapshot(this.person));
  }

  /**
   * Writes to the database of `key` in one transaction, which this viewer sees wherever they read next. Rejects when D1
   * does not answer in time, although it may have written. Costs one D1 batch.
   */
  async write<Row>(key: Id, statements: D1PreparedStatement[]): Promise<D1Result<Row>[]> {
    const session = databaseOf(this.env, key).withSession("first-primary");
    const results = await within(STORE_ANSWERS_WITHIN, session.batch<Row>(statements), "D1");
    const bookmark = session.getBookmark();
    if (bookmark) this.seen.reached(bindingOf(this.env, key), bookmark);
    return results;
  }

  #grouped(ids: Iterable<Id>): [Id, string][] {
    const groups = byDatabase(this.env, new Set(ids), (id) => id).values();
    return [...groups].flatMap((group) => (group[0] === undefined ? [] : [[group[0], JSON.stringify(group)]]));
  }

  #timed<Row>(call: () => Promise<QueryResult<Row>>): Promise<QueryResult<Row>> {
    return this.served.timed("d1", call);
  }
}

/** Reads of one database, shared by all requests of this isolate. */
class SharedReads {
  readonly #database: D1Database;
  readonly #primary: CombinedReads;
  readonly #replica: CombinedReads;
  readonly #breaker = new Breaker();
  /** The newest bookmark that a replica is known to have reached. */
  #newest: string | undefined;

  constructor(database: D1Database) {
    this.#database = database;
    this.#primary = new CombinedReads((queries) => runAll(database, queries));
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

  primary<Row>(query: Query, background: Background): Promise<QueryResult<Row>> {
    return this.#breaker.run(() => this.#primary.run<Row>(query, background));
  }

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
      if (error instanceof LateError) throw error;
      return this.#near([query], "first-primary");
    });
    const [result] = results;
    if (!result) throw new Error("a query returned no result");
    return result as QueryResult<Row>;
  }

  async #near(queries: readonly Query[], constraint: string): Promise<QueryResult<unknown>[]> {
    const session = this.#database.withSession(constraint);
    const results = await runAll(session, queries);
    const bookmark = session.getBookmark() ?? undefined;
    return results.map((result) => ({ ...result, bookmark }));
  }
}

async function runAll(
  database: D1Database | D1DatabaseSession,
  queries: readonly Query[],
): Promise<QueryResult<unknown>[]> {
  const statements = queries.map(({ sql, params }) => database.prepare(sql).bind(...params));
  const results = await within(STORE_ANSWERS_WITHIN, database.batch(statements), "D1");
  return results.map(({ results: rows }) => ({ rows, bookmark: undefined }));
}

const shared = new WeakMap<D1Database, SharedReads>();

function sharedOf(database: D1Database): SharedReads {
  const known = shared.get(database);
  if (known) return known;
  const reads = new SharedReads(database);
  shared.set(database, reads);
  return reads;
}
