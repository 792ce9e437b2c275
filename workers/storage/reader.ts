import { statement, type Statement, type Result } from "../../schema/d1/database.ts";
import type { Viewer } from "./viewer.ts";
import type { Refusable, Snapshot } from "../../durable-objects/post/post-results.ts";
import type { Id, PersonId, PostId } from "../../schema/ids.ts";
import { bindingOf, byDatabase, databaseOf, oneShardPerDatabase } from "../../schema/d1/shards.ts";
import type { QueryResult } from "../../schema/d1/combined-reads.ts";
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
    const { shared } = databaseOf(this.env, key);
    const { rows } = await this.#timed(() => shared.primary<Row>(statement(sql, ...params), this.background));
    return rows;
  }

  /**
   * Reads the nearest replica of the database of `key` that is at least as new as everything this reader has read and
   * written. Costs as much as `primary`.
   */
  async replica<Row>(key: Id | number, sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    const binding = bindingOf(this.env, key);
    const { shared } = databaseOf(this.env, key);
    const atLeast = this.seen.bookmark(binding);
    const { rows, bookmark } = await this.#timed(() =>
      shared.replica<Row>(statement(sql, ...params), atLeast, this.background),
    );
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
    const results = oneShardPerDatabase(this.env).map(async (shard) => {
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
  async write<Row>(key: Id, statements: readonly Statement[]): Promise<Result<Row>[]> {
    const { results, bookmark } = await databaseOf(this.env, key).inSession<Row>(statements, "first-primary");
    if (bookmark !== undefined) this.seen.reached(bindingOf(this.env, key), bookmark);
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
