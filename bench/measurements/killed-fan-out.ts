/**
 * Kills the delivery of a post to very many followers, as a power cut would, while small authors publish as well.
 * Checks that every follower still receives every post exactly once, and measures how long the small authors' followers
 * wait.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { Post } from "../../schema/api/posts.ts";
import type { PostId } from "../../schema/ids.ts";
import { changedConfig } from "../../tests/product/harness/config.ts";
import { Product } from "../../tests/product/harness/product.ts";
import { fetchText } from "../load/client.ts";
import { type Distribution, distributionOf } from "../load/percentiles.ts";
import { fillGraphs, type Member } from "../worlds/filled-graph.ts";
import { crowd } from "../worlds/graph.ts";
import { publish } from "../worlds/requests.ts";
import { databaseFile } from "../../scripts/local-server/database-files.ts";
import { inTransaction } from "../worlds/stored-rows.ts";

export type Plan = { followers: number; bells: number; kills: number };
export type Delays = Distribution & { posts: number };
export type KilledFanOut = Plan & {
  /** From publishing the large post until every follower has it, including kills and starts. */
  seconds: number;
  /** At each kill, how many feeds had the post and how many people were notified. */
  atKills: { feeds: number; notified: number }[];
  /** The small authors' posts, from publishing until all followers have them and are notified. */
  alone: Delays;
  beside: Delays;
  /** The same after a kill, when everything starts cold and lost messages are sent again. */
  afterStart: Delays;
  /** Posts whose delivery a kill interrupted. */
  across: Delays;
  wrong: string[];
};

const SMALL_AUTHORS = 3;
export const SMALL_FOLLOWERS = 20;
/** The limit for all small authors together, which is less than a feed keeps. */
const SMALL_POSTS_MAX = 400;
const PAUSE = 150; // ms
const ALONE_FOR = 2000; // ms
const POLLED_EVERY = 10; // ms
/** For the large author, since checking all of their followers takes a while. */
const LARGE_POLLED_EVERY = 250; // ms
/** The number of followers that are checked for the progress of the delivery. */
const SAMPLE = 200;
/** A kill comes when this share of the followers who still lacked the post has received it. */
const KILLED_AT = 0.3;
const DELIVERED_WITHIN = 240_000; // ms

/** Runs the benchmark on a product of its own. `wrong` is empty if every delivery happened exactly once. */
export async function killedFanOut(plan: Plan): Promise<KilledFanOut> {
  const folder = mkdtempSync(join(tmpdir(), "shutterline-killed-"));
  const withoutLargeAuthors = (config: string) =>
    config.replace(/LARGE_AUTHOR_FOLLOWERS = "\d+"/, 'LARGE_AUTHOR_FOLLOWERS = "1000000"');
  const product = await Product.start({ config: changedConfig(folder, withoutLargeAuthors) });
  try {
    await product.stop();
    const run = new Run(product, plan);
    await product.restart();
    return await run.run();
  } finally {
    await product.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Published = { author: Member; post: PostId };

class Run {
  readonly #product: Product;
  readonly #plan: Plan;
  readonly #file: string;
  readonly #large: Member;
  readonly #small: Member[];
  readonly #sample: string;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #published: Published[] = [];
  /** The number of kills so far. */
  #kills = 0;
  /**
   * Whether the database may be read. A reader during the recovery of a database would keep the product from starting.
   */
  #isUp = true;

  /** Fills in all people. The product must be stopped. */
  constructor(product: Product, plan: Plan) {
    const { followers, bells } = plan;
    this.#product = product;
    this.#plan = plan;
    this.#file = databaseFile(product.state, "people");
    const few = Array.from({ length: SMALL_AUTHORS }, () => SMALL_FOLLOWERS);
    const [members = []] = fillGraphs(product.state, [crowd([followers, ...few])]);
    const [large, ...others] = members;
    if (!large) throw new Error("there is no crowd");
    this.#large = large;
    this.#small = others.slice(0, SMALL_AUTHORS);
    const readers = others.slice(SMALL_AUTHORS).map(({ id }) => id);
    const everyNth = (n: number) => JSON.stringify(readers.filter((_, index) => index % n === 0));
    this.#sample = everyNth(Math.ceil(followers / SAMPLE));
    const withBell = everyNth(followers / bells);
    inTransaction(this.#file, (database) => {
      for (const [author, those] of [
        [large, withBell] as const,
        ...this.#small.map((one) => [one, everyNth(1)] as const),
      ]) {
        for (const table of ["following", "followers"]) {
          const sql = `UPDATE ${table} SET bell = 1 WHERE followee = ? AND follower IN (SELECT value FROM json_each(?))`;
          database.prepare(sql).run(author.id, those);
        }
      }
    });
  }

  async run(): Promise<KilledFanOut> {
    const alone: Measured[] = [];
    const besides: Measured[] = [];
    await this.#publishWhile(() => sleep(ALONE_FOR), alone);
    const atKills: KilledFanOut["atKills"] = [];
    let seconds = 0;
    await this.#publishWhile(async () => {
      const started = performance.now();
      const post = await this.#publish(this.#large);
      for (let kill = 0; kill < this.#plan.kills; kill += 1) {
        await this.#untilDelivered(post, KILLED_AT);
        this.#isUp = false;
        await this.#product.kill();
        this.#kills += 1;
        atKills.push(this.#countAfterKill(post));
        await this.#product.restart();
        this.#isUp = true;
      }
      await this.#untilDelivered(post, 1);
      await this.#untilComplete({ author: this.#large, post }, LARGE_POLLED_EVERY);
      seconds = (performance.now() - started) / 1000;
    }, besides);
    await sleep(1000); // Leaves time for duplicates to arrive.
    await this.#product.stop();
    this.#agent.destroy();
    const uninterrupted = besides.filter(({ since, until }) => since === until);
    return {
      ...this.#plan,
      seconds,
      atKills,
      alone: delaysOf(alone),
      beside: delaysOf(uninterrupted.filter(({ since }) => since === 0)),
      afterStart: delaysOf(uninterrupted.filter(({ since }) => since > 0)),
      across: delaysOf(besides.filter(({ since, until }) => since < until)),
      wrong: this.#wrong(),
    };
  }

  /** Runs `work` while each small author publishes one post after the other. Waits until all posts are delivered. */
  async #publishWhile(work: () => Promise<void>, measured: Measured[]): Promise<void> {
    const over = new AbortController();
    const publishing = this.#small.map(async (author) => {
      while (!over.signal.aborted && this.#published.length < SMALL_POSTS_MAX) {
        const [started, since] = [performance.now(), this.#kills];
        const post = await this.#publish(author).catch(() => undefined);
        // The post is undefined when a kill interrupted the request, so that it may or may not be published.
        if (post !== undefined) {
          await this.#untilComplete({ author, post });
          measured.push({ time: performance.now() - started, since, until: this.#kills });
        }
        await sleep(PAUSE);
      }
    });
    try {
      await work();
    } finally {
      over.abort();
      await Promise.all(publishing);
    }
  }

  async #publish(author: Member): Promise<PostId> {
    const port = Number(new URL(this.#product.address).port);
    const { id: post } = JSON.parse(await fetchText(publish(author), port, this.#agent)) as Post;
    this.#published.push({ author, post });
    return post;
  }

  /** Waits until the given share of the sampled followers who lack the post now has received it. */
  async #untilDelivered(post: PostId, share: number): Promise<void> {
    const delivered = () => this.#query(IN_SAMPLE, this.#sample, post)?.["delivered"] ?? 0;
    const before = delivered();
    await until(() => delivered() >= before + share * (1 - before));
  }

  /** Waits until every follower's feed has the post, and the inbox of everyone with a bell. */
  async #untilComplete({ author, post }: Published, polledEvery = POLLED_EVERY): Promise<void> {
    const missing = () => this.#query(MISSING, author.id, post);
    const isEverywhere = () => {
      const { feeds, notified } = missing() ?? {};
      return feeds === 0 && notified === 0;
    };
    await until(isEverywhere, polledEvery).catch((error: unknown) => {
      const which = author === this.#large ? "the large post" : post;
      throw new Error(`${which} is still missing in ${JSON.stringify(missing())} after ${this.#kills} kills`, {
        cause: error,
      });
    });
  }

  /** Reads the running product's database. Returns undefined while the product is down. */
  #query(sql: string, ...values: SQLInputValue[]): Record<string, number> | undefined {
    return this.#isUp ? queryFile(this.#file, { readOnly: true }, sql, ...values) : undefined;
  }

  /** Counts what had reached the disk. It reads a copy, so that the next start finds the files unchanged. */
  #countAfterKill(post: PostId): KilledFanOut["atKills"][number] {
    const folder = mkdtempSync(join(tmpdir(), "shutterline-kill-"));
    const copy = join(folder, "copy.sqlite");
    for (const suffix of ["", "-wal"]) {
      if (existsSync(this.#file + suffix)) copyFileSync(this.#file + suffix, copy + suffix);
    }
    const counted = queryFile(copy, {}, SEEN, post) as KilledFanOut["atKills"][number];
    rmSync(folder, { recursive: true });
    return counted;
  }

  /**
   * Lists the posts whose feed entries or notifications are not exactly those of the author's followers. Primary keys
   * already rule out duplicate rows.
   */
  #wrong(): string[] {
    return this.#published.flatMap(({ author, post }) => {
      const missing = queryFile(this.#file, {}, MISSING, author.id, post);
      const seen = queryFile(this.#file, {}, SEEN, post);
      const isLarge = author === this.#large;
      const allFeeds = (isLarge ? this.#plan.followers : SMALL_FOLLOWERS) + 1;
      const allNotified = isLarge ? this.#plan.bells : SMALL_FOLLOWERS;
      const expected = { feeds: 0, notified: 0, allFeeds, allNotified };
      const found = { ...missing, allFeeds: seen?.["feeds"], allNotified: seen?.["notified"] };
      const what = `${isLarge ? "the large post" : post}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`;
      return JSON.stringify(found) === JSON.stringify(expected) ? [] : [what];
    });
  }
}

/** `since` and `until` are the numbers of kills at the start and at the end. */
type Measured = { time: number; since: number; until: number };

const delaysOf = (measured: readonly Measured[]): Delays => ({
  ...distributionOf(measured.map(({ time }) => time)),
  posts: measured.length,
});

async function until(condition: () => boolean, polledEvery = POLLED_EVERY): Promise<void> {
  const deadline = performance.now() + DELIVERED_WITHIN;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not delivered within ${DELIVERED_WITHIN} ms`);
    await sleep(polledEvery);
  }
}

function queryFile(
  file: string,
  options: { readOnly?: boolean },
  sql: string,
  ...values: SQLInputValue[]
): Record<string, number> | undefined {
  const database = new DatabaseSync(file, options);
  try {
    return database.prepare(sql).get(...values) as Record<string, number> | undefined;
  } finally {
    database.close();
  }
}

const IN_SAMPLE = `
  SELECT avg(EXISTS (SELECT 1 FROM feed WHERE reader = value AND post = ?2)) AS delivered FROM json_each(?1)`;
const SEEN = `
  SELECT (SELECT count(*) FROM feed WHERE post = ?1) AS feeds,
    (SELECT count(*) FROM notifications WHERE kind = 'new_post' AND subject = ?1 AND count = 1 AND raised > seen) AS notified`;
const MISSING = `
  SELECT count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM feed WHERE reader = follower AND post = ?2)) AS feeds,
    count(*) FILTER (WHERE bell = 1 AND NOT EXISTS (
      SELECT 1 FROM notifications WHERE recipient = follower AND kind = 'new_post' AND subject = ?2)) AS notified
  FROM followers WHERE followee = ?1`;
