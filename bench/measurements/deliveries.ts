/** Measures how fast a post reaches its readers' feeds, and whether a large author's fan-out delays small authors. */
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Post, PostPage } from "../../schema/api/posts.ts";
import { fetchText, type Request } from "../load/client.ts";
import { type Distribution, distributionOf } from "../load/percentiles.ts";
import type { Member } from "../worlds/filled-graph.ts";
import { publish } from "../worlds/requests.ts";
import { MIDDLE, type Scene, SMALL } from "../worlds/scene.ts";
import type { Subject } from "../worlds/subject.ts";

export type Fanned = { followers: number; seconds: number; perSecond: number };
export type Visible = Distribution & { publishes: number; late: number };
/** One author's times: with no other load, and during a large author's fan-out. */
export type Beside = { alone: Visible; besides: Visible };

/** Raises the threshold of large authors, so that all posts are delivered. */
export const PUSHED_TO_ALL = { LARGE_AUTHOR_FOLLOWERS: "1000000" };

/** The number of followers to check, spread evenly over all. */
const SAMPLE = 500;
const SAMPLED_EVERY = 100; // ms
const POLLED_EVERY = 10; // ms
const DELIVERED_WITHIN = 120_000; // ms
const PUBLISHES = 25;
/** Each of the two runs ends after this time, even with fewer publishes. */
const PUBLISHES_WITHIN = 40_000; // ms
/** How many entries of a feed are searched: the large author's next posts may arrive above the expected one. */
const TOP = 5;
/** A post that takes longer counts as not delivered. */
const VISIBLE_WITHIN = 20_000; // ms

/** Counts how many of the people ?2 the post ?1 has reached. */
const REACHED = {
  feeds: "SELECT count(*) AS count FROM feed WHERE post = ?1 AND reader IN (SELECT value FROM json_each(?2))",
  inboxes: `SELECT count(*) AS count FROM notifications
    WHERE kind = 'new_post' AND subject = ?1 AND recipient IN (SELECT value FROM json_each(?2))`,
};

/** Times the delivery of one post to all followers of the large author. */
export const timeFanOut = (subject: Subject, { large, followers }: Scene): Promise<Fanned> =>
  timeReach(subject, large, followers, "feeds");

/** Times the delivery of one post to the inboxes of its author's followers, all of whom have a bell. */
export const timeBells = (subject: Subject, { belled, followers }: Scene): Promise<Fanned> =>
  timeReach(subject, belled, followers.slice(0, MIDDLE), "inboxes");

/** Publishes a post, and measures until it has reached all sampled followers. */
async function timeReach(
  subject: Subject,
  author: Member,
  followers: readonly Member[],
  into: keyof typeof REACHED,
): Promise<Fanned> {
  const started = performance.now();
  const { id: post } = await subject.ask<Post>(publish(author));
  const step = Math.max(1, Math.floor(followers.length / SAMPLE));
  const sample = followers.filter((_, index) => index % step === 0).map(({ id }) => id);
  const delivered = subject.database.prepare(REACHED[into]).bind(post, JSON.stringify(sample));
  const reached = async () => (await delivered.first<{ count: number }>())?.count === sample.length;
  while (!(await reached())) {
    if (performance.now() - started > DELIVERED_WITHIN) throw new Error(`${post} was not delivered to all followers`);
    await sleep(SAMPLED_EVERY);
  }
  const seconds = (performance.now() - started) / 1000;
  return { followers: followers.length, seconds, perSecond: followers.length / seconds };
}

/** How many followers these authors have. They are the first followers of the large author. */
const FOLLOWERS = { small: SMALL, middle: MIDDLE };

/** Measures one author's publishes, alone and then during the large author's fan-outs. */
export async function timeVisibility(subject: Subject, scene: Scene, author: keyof typeof FOLLOWERS): Promise<Beside> {
  const alone = await timePublishes(subject, scene, author, false);
  await subject.quiet();
  const besides = await timePublishes(subject, scene, author, true);
  await subject.quiet();
  return { alone, besides };
}

/**
 * Measures from sending the author's `POST /v1/posts` until the post is near the top of a follower's feed, for a
 * different follower each time. With `besides`, the large author's posts are delivered meanwhile, one after the other.
 */
async function timePublishes(
  subject: Subject,
  scene: Scene,
  author: keyof typeof FOLLOWERS,
  besides: boolean,
): Promise<Visible> {
  const ended = new AbortController();
  const keepBusy = async () => {
    while (!ended.signal.aborted) await timeFanOut(subject, scene);
  };
  const busy = besides ? keepBusy() : Promise.resolve();
  busy.catch(() => undefined); // Awaited below, where a rejection is thrown.
  if (besides) await sleep(500);

  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const began = performance.now();
  for (let index = 0; index < PUBLISHES && performance.now() - began < PUBLISHES_WITHIN; index += 1) {
    const follower = scene.followers[(index * 397) % FOLLOWERS[author]];
    if (follower) times.push(await timePublish(subject, scene[author], follower, agent));
  }
  ended.abort();
  await busy;
  agent.destroy();
  return {
    ...distributionOf(times),
    publishes: times.length,
    late: times.filter((time) => time >= VISIBLE_WITHIN).length,
  };
}

async function timePublish(subject: Subject, author: Member, { headers }: Member, agent: Agent): Promise<number> {
  const ask = async (request: Request) => JSON.parse(await fetchText(request, subject.server.port, agent)) as unknown;
  const started = performance.now();
  const { id } = (await ask(publish(author))) as Post;
  while (performance.now() - started < VISIBLE_WITHIN) {
    const { items } = (await ask({ method: "GET", path: `/v1/feed?limit=${TOP}`, headers })) as PostPage;
    if (items.some((post) => post.id === id)) break;
    await sleep(POLLED_EVERY);
  }
  return performance.now() - started;
}
