import { statement, type Statement, type Result } from "../../schema/d1/database.ts";
import type { SessionCheck, Viewer } from "./viewer.ts";
import type { Refusable, Snapshot } from "../../durable-objects/post/post-results.ts";
import type { Id, PersonId, PostId } from "../../schema/ids.ts";
import { bindingOf, byDatabase, databaseOf, floorOf, oneShardPerDatabase } from "../../schema/d1/shards.ts";
import type { QueryResult } from "../../schema/d1/combined-reads.ts";
import { isModerator } from "../../schema/moderation.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { Seen } from "./consistency.ts";
import { Served } from "./served.ts";
import type { Background } from "../../schema/background.ts";

/** Rows, and the bookmark of the state that they are from, if D1 reports one. */
export type ReadRows<Row> = { rows: Row[]; at: string | undefined };

/**
 * Reads on behalf of one request. Knows its viewer, what they must see, and which stores have served them.
 *
 * A request reads before its session has been checked: the token names the person, and the check travels in the same
 * call as the first read. So whatever changes something must first await `confirmedViewer`, and no response leaves
 * before the check has succeeded (workers/api/sessions/viewer.ts).
 */
export class Reader {
  readonly env: Env;
  readonly background: Background;
  readonly seen: Seen;
  readonly served = new Served();
  /** The person whose posts are read, if all are one person's. */
  about: PersonId | undefined;
  #viewer: Viewer | undefined;
  #startCheck: (() => Promise<SessionCheck | undefined>) | undefined;
  #check: Promise<SessionCheck | undefined> | undefined;
  #allowed: Promise<void> | undefined;
  #isFromPrimary = false;
  #isForWrite = false;

  constructor(env: Env, background: Background, token?: string) {
    this.env = env;
    this.background = background;
    this.seen = new Seen(token);
  }

  /** Acts for a person from now on. `check` returns undefined if their session is over; it runs once, with the first read. */
  actFor(viewer: Viewer, check: () => Promise<SessionCheck | undefined>): void {
    this.#viewer = viewer;
    this.#startCheck = check;
  }

  /** Lets the viewer write only once `allowed` has resolved. It is awaited beside the check of the session. */
  writeOnlyIf(allowed: Promise<void>): void {
    this.#allowed = allowed;
    allowed.catch(() => undefined); // A request that writes nothing never awaits it.
  }

  /** The person the request claims to act for; undefined for an anonymous viewer. */
  get viewer(): Viewer | undefined {
    return this.#viewer;
  }

  get person(): PersonId | undefined {
    return this.#viewer?.person;
  }

  /** Returns the check of the session; undefined for an anonymous viewer or a session that is over. */
  async check(): Promise<SessionCheck | undefined> {
    this.#beginCheck();
    return this.#check;
  }

  /**
   * Returns the viewer once their session is known to be valid and their limits allow the request; undefined for an anonymous
   * viewer. Throws `rate_limited`.
   */
  async confirmedViewer(): Promise<Viewer | undefined> {
    if (!(await this.check())) return undefined;
    await this.#allowed;
    return this.#viewer;
  }

  /** Whether the viewer has blocked anybody or is blocked by anybody. */
  async hasBlocks(): Promise<boolean> {
    return (await this.check())?.hasBlocks ?? false;
  }

  /** Whether the viewer may moderate, as of the check of their session. For what they see; `requireRole` is for acts. */
  async isModerator(): Promise<boolean> {
    return isModerator((await this.check())?.role);
  }

  /**
   * Reads the primary of the database of `key`. For what a replica lacks and must exist, and for what depends on a write
   * of this request. Costs one D1 query; concurrent queries of this isolate share one call.
   */
  async primary<Row>(key: Id | number, sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    const { rows, at } = await this.primaryAt<Row>(key, sql, ...params);
    if (at !== undefined) this.seen.reached(bindingOf(this.env, key), at);
    return rows;
  }

  /** Like `primary`, and returns which state was read. The viewer's next reads need not be as new. */
  async primaryAt<Row>(key: Id | number, sql: string, ...params: readonly unknown[]): Promise<ReadRows<Row>> {
    this.#beginCheck();
    return this.#primary<Row>(key, sql, params);
  }

  /**
   * Reads the nearest replica of the database of `key` that is at least as new as everything this reader has read and
   * written. Costs as much as `primary`.
   */
  async replica<Row>(key: Id | number, sql: string, ...params: readonly unknown[]): Promise<Row[]> {
    return (await this.replicaAt<Row>(key, sql, ...params)).rows;
  }

  /** Like `replica`, and returns which state was read. */
  async replicaAt<Row>(key: Id | number, sql: string, ...params: readonly unknown[]): Promise<ReadRows<Row>> {
    this.#beginCheck();
    if (this.#isFromPrimary) return this.#primary<Row>(key, sql, params);
    const binding = bindingOf(this.env, key);
    const { shared } = databaseOf(this.env, key);
    const atLeast = this.#isForWrite ? undefined : this.seen.bookmark(binding);
    const { rows, bookmark } = await this.#timed(() =>
      shared.replica<Row>(statement(sql, ...params), { atLeast, floor: floorOf(this.env, binding) }, this.background),
    );
    if (bookmark !== undefined) this.seen.reached(binding, bookmark);
    return { rows, at: bookmark };
  }

  /**
   * Reads rows that must exist: from a replica or, if `isHere` does not find them there, from the primary, so that a
   * lagging replica makes nothing disappear. Returns which state was read; the viewer's next reads need not be as new as
   * the primary. Costs one D1 query, and another one for what a replica lacks.
   */
  async existing<Row>(
    key: Id | number,
    sql: string,
    params: readonly unknown[],
    isHere = (rows: Row[]): boolean => rows.length > 0,
  ): Promise<ReadRows<Row>> {
    const near = await this.replicaAt<Row>(key, sql, ...params);
    return isHere(near.rows) ? near : this.primaryAt<Row>(key, sql, ...params);
  }

  /**
   * Makes all further reads accept states without the viewer's own writes. For when a transaction at the primary decides:
   * otherwise somebody who writes twice would wait until a replica has the first write.
   */
  readForWrite(): void {
    this.#isForWrite = true;
  }

  /**
   * Makes all further reads go to primaries. For when an actor has returned what other people wrote: no replica may be
   * new enough to decide who may see that.
   */
  readPrimariesFromNowOn(): void {
    this.#isFromPrimary = true;
  }

  /** Whether decisions must be read again, because they are about something that no replica may have. */
  get isFromPrimary(): boolean {
    return this.#isFromPrimary;
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

  /** The bookmark of the newest state of the viewer's own database that this request has read or must see. */
  get ownState(): string | undefined {
    return this.person && this.seen.bookmark(bindingOf(this.env, this.person));
  }

  /** Reads a post from its actor. Costs one actor call. */
  snapshot(post: PostId): Promise<Refusable<Snapshot>> {
    return this.served.timed("actor", async () => this.env.POSTS.getByName(post).snapshot(this.person));
  }

  /**
   * Writes to the database of `key` in one transaction, which this viewer sees wherever they read next. Throws
   * `not_signed_in` before it writes anything if the viewer's session is over. Rejects when D1 does not answer in time,
   * although it may have written. Costs one D1 batch.
   */
  async write<Row>(key: Id, statements: readonly Statement[]): Promise<Result<Row>[]> {
    if (this.#viewer && !(await this.confirmedViewer())) throw new Refusal("not_signed_in");
    const { results, bookmark } = await databaseOf(this.env, key).inSession<Row>(statements, "first-primary");
    if (bookmark !== undefined) this.seen.reached(bindingOf(this.env, key), bookmark);
    return results;
  }

  #beginCheck(): void {
    const start = this.#startCheck;
    if (!start) return;
    this.#startCheck = undefined; // First, because the check reads too.
    this.#check = start();
    this.#check.catch(() => undefined); // What needs the result awaits it.
  }

  #primary<Row>(key: Id | number, sql: string, params: readonly unknown[]): Promise<ReadRows<Row>> {
    const { shared } = databaseOf(this.env, key);
    return this.#timed(async () => {
      const { rows, bookmark } = await shared.primary<Row>(statement(sql, ...params), this.background);
      return { rows, at: bookmark };
    });
  }

  #grouped(ids: Iterable<Id>): [Id, string][] {
    const groups = byDatabase(this.env, new Set(ids), (id) => id).values();
    return [...groups].flatMap((group) => (group[0] === undefined ? [] : [[group[0], JSON.stringify(group)]]));
  }

  #timed<T extends QueryResult<unknown> | ReadRows<unknown>>(call: () => Promise<T>): Promise<T> {
    return this.served.timed("d1", call);
  }
}
