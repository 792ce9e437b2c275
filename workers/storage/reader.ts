import type { Viewer } from "./viewer.ts";
import type { Refusable, Snapshot } from "../../durable-objects/post/post-results.ts";
import type { Id, PersonId, PostId } from "../../schema/ids.ts";
import { bindingOf, byDatabase, databaseOf, firstShards } from "../../schema/d1/shards.ts";
import { Breaker } from "../../schema/d1/breaker.ts";
import { LateError, STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import { type Answer, CombinedReads, type Query } from "./combined-reads.ts";
import { Seen } from "./consistency.ts";
import { Served } from "./served.ts";
import type { Background } from "../../schema/background.ts";

/** Whoever reads within one request: who they are, what they must see, and how they are served. */
export class Reader {
  readonly env: Env;
  readonly background: Background;
  readonly seen: Seen;
  readonly served = new Served();
  /** Whose posts are read, if they are one person's: what is kept of the answer ends when they become private. */
  about: PersonId | undefined;
  /** Undefined when nobody is signed in. Set once it is known. */
  viewer: Viewer | undefined;

  constructor(env: Env, background: Background, token?: string) {
    this.env = env;
    this.background = background;
    this.seen = new Seen(token);
  }

  get person(): PersonId | undefined {
    return this.viewer?.person;
  }

  /** Whether they are in a block with anybody. */
  get hasBlocks(): boolean {
    return this.viewer?.hasBlocks ?? false;
  }

  /**
   * Reads the database of `key` as it is now. For what must hold at once, like sessions and blocks, and for what is read
   * with it in one call. One D1 query; those of this isolate that come at the same time are one call.
   */
  async primary<Row>(key: Id | number, sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    const shared = sharedOf(databaseOf(this.env, key));
    const answer = await this.#timed(() => shared.primary<Row>({ sql, params }, this.background));
    return answer.rows;
  }

  /**
   * Reads the replica nearest to here of the database of `key`, which is at least as new as all that this reader has seen
   * and done. Costs what `primary` does.
   */
  async replica<Row>(key: Id | number, sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    const binding = bindingOf(this.env, key);
    const shared = sharedOf(databaseOf(this.env, key));
    const atLeast = this.seen.bookmark(binding);
    const { rows, bookmark } = await this.#timed(() => shared.replica<Row>({ sql, params }, atLeast, this.background));
    if (bookmark !== undefined) this.seen.reached(binding, bookmark);
    return rows;
  }

  /** As `replica`, in each database that holds one of `ids`; `sql` reads them with `json_each(?1)`. */
  async replicasByIds<Row>(ids: Iterable<Id>, sql: string): Promise<Row[]> {
    return (await Promise.all(this.#grouped(ids).map(([key, group]) => this.replica<Row>(key, sql, group)))).flat();
  }

  /** As `replica`, in every database. Leaves out the copies of rows that are on their way to another one. */
  async everyReplica<Row extends { id: Id }>(sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    const answers = firstShards(this.env).map(async (shard) => {
      const home = bindingOf(this.env, shard);
      const rows = await this.replica<Row>(shard, sql, ...params);
      return rows.filter(({ id }) => bindingOf(this.env, id) === home);
    });
    return (await Promise.all(answers)).flat();
  }

  /** As `primary`, likewise. */
  async primariesByIds<Row>(ids: Iterable<Id>, sql: string): Promise<Row[]> {
    return (await Promise.all(this.#grouped(ids).map(([key, group]) => this.primary<Row>(key, sql, group)))).flat();
  }

  /** A post as its actor knows it. One actor call. */
  snapshot(post: PostId): Promise<Refusable<Snapshot>> {
    return this.served.timed("actor", async () => this.env.POSTS.getByName(post).snapshot(this.person));
  }

  /**
   * Writes to the database of `key` in one transaction, which this reader will see wherever they read next. Rejects when
   * D1 does not answer in time, and may have written all the same. One D1 batch.
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

  #timed<Row>(ask: () => Promise<Answer<Row>>): Promise<Answer<Row>> {
    return this.served.timed("d1", ask);
  }
}

/** What the requests of this isolate share of one database. */
class SharedReads {
  readonly #database: D1Database;
  readonly #primary: CombinedReads;
  readonly #replica: CombinedReads;
  readonly #breaker = new Breaker();
  /** The newest state that a replica is known to have had. */
  #newest: string | undefined;

  constructor(database: D1Database) {
    this.#database = database;
    this.#primary = new CombinedReads((queries) => runAll(database, queries));
    this.#replica = new CombinedReads(async (queries) => {
      const answers = await this.#near(queries, this.#newest ?? "first-unconstrained").catch((error: unknown) => {
        this.#newest = undefined; // It may be what was refused: after a database was set back in time, say.
        throw error;
      });
      const bookmark = answers[0]?.bookmark ?? "";
      if (bookmark > (this.#newest ?? "")) this.#newest = bookmark;
      return answers;
    });
  }

  primary<Row>(query: Query, background: Background): Promise<Answer<Row>> {
    return this.#breaker.run(() => this.#primary.run<Row>(query, background));
  }

  replica<Row>(query: Query, atLeast: string | undefined, background: Background): Promise<Answer<Row>> {
    const isReached = atLeast === undefined || (this.#newest !== undefined && atLeast <= this.#newest);
    return this.#breaker.run(async () =>
      isReached ? this.#replica.run<Row>(query, background) : this.#asNewAs<Row>(query, atLeast),
    );
  }

  /** A bookmark that only a client vouches for may be invented, so it is asked for apart from all others. */
  async #asNewAs<Row>(query: Query, bookmark: string): Promise<Answer<Row>> {
    const answers = await this.#near([query], bookmark).catch((error: unknown) => {
      if (error instanceof LateError) throw error;
      return this.#near([query], "first-primary");
    });
    const [answer] = answers;
    if (!answer) throw new Error("a query was not answered");
    return answer as Answer<Row>;
  }

  async #near(queries: readonly Query[], constraint: string): Promise<Answer<unknown>[]> {
    const session = this.#database.withSession(constraint);
    const answers = await runAll(session, queries);
    const bookmark = session.getBookmark() ?? undefined;
    return answers.map((answer) => ({ ...answer, bookmark }));
  }
}

async function runAll(database: D1Database | D1DatabaseSession, queries: readonly Query[]): Promise<Answer<unknown>[]> {
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
