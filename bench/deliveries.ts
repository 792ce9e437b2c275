/** How fast a post comes into its readers' feeds, and whether an author of many keeps one of few waiting. */
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Post, PostPage } from "../schema/api/posts.ts";
import { answerTo, type Request } from "./client.ts";
import { type Distribution, distributionOf } from "./distribution.ts";
import type { Member } from "./filled-graph.ts";
import { publish } from "./lines.ts";
import { MIDDLE, type Scene, SMALL } from "./scene.ts";
import type { Subject } from "./subject.ts";

export type Fanned = { followers: number; seconds: number; perSecond: number };
export type Visible = Distribution & { publishes: number; late: number };
/** Of one author: with nothing else under way, and while a large author's posts are delivered. */
export type Beside = { alone: Visible; besides: Visible };

/** The threshold from which on authors are merged at read is lifted, so that there is something to deliver. */
export const PUSHED_TO_ALL = { LARGE_AUTHOR_FOLLOWERS: "1000000" };

/** Followers that are looked at, spread over all. */
const SAMPLE = 500;
const SAMPLED_EVERY = 100; // ms
const POLLED_EVERY = 10; // ms
const DELIVERED_WITHIN = 120_000; // ms
const PUBLISHES = 25;
/** For each of the two runs; so many publishes as fit, then. */
const PUBLISHES_WITHIN = 40_000; // ms
/** The followers follow the large author too, whose next post may come in before the answer. */
const TOP = 5;
/** Counts as not delivered. */
const VISIBLE_WITHIN = 20_000; // ms

/** How many of ?2 a post has reached. */
const REACHED = {
  feeds: "SELECT count(*) AS count FROM feed WHERE post = ?1 AND reader IN (SELECT value FROM json_each(?2))",
  inboxes: `SELECT count(*) AS count FROM notifications
    WHERE kind = 'new_post' AND subject = ?1 AND recipient IN (SELECT value FROM json_each(?2))`,
};

/** One post to all followers of the large author. */
export const fanOutOf = (subject: Subject, { large, followers }: Scene): Promise<Fanned> =>
  reachingOf(subject, large, followers, "feeds");

/** One post to the bells of all followers of an author, on top of their feeds. */
export const bellsOf = (subject: Subject, { belled, followers }: Scene): Promise<Fanned> =>
  reachingOf(subject, belled, followers.slice(0, MIDDLE), "inboxes");

/** From the publishing until it has reached the last sampled one. */
async function reachingOf(
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
    if (performance.now() - started > DELIVERED_WITHIN) throw new Error(`${post} was not delivered to everybody`);
    await sleep(SAMPLED_EVERY);
  }
  const seconds = (performance.now() - started) / 1000;
  return { followers: followers.length, seconds, perSecond: followers.length / seconds };
}

/** How many followers these authors have, who are the first of the large one's. */
const FOLLOWERS = { small: SMALL, middle: MIDDLE };

export async function besideOf(subject: Subject, scene: Scene, author: keyof typeof FOLLOWERS): Promise<Beside> {
  const alone = await visibleOf(subject, scene, author, false);
  await subject.quiet();
  const besides = await visibleOf(subject, scene, author, true);
  await subject.quiet();
  return { alone, besides };
}

/**
 * From sending `POST /v1/posts` of the author until the post is at the top of a follower's feed, for different followers.
 * `besides`: while the large author's posts are delivered, one after the other.
 */
async function visibleOf(
  subject: Subject,
  scene: Scene,
  author: keyof typeof FOLLOWERS,
  besides: boolean,
): Promise<Visible> {
  const ended = new AbortController();
  const keepBusy = async () => {
    while (!ended.signal.aborted) await fanOutOf(subject, scene);
  };
  const busy = besides ? keepBusy() : Promise.resolve();
  busy.catch(() => undefined); // It is waited for below.
  if (besides) await sleep(500);

  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const began = performance.now();
  for (let index = 0; index < PUBLISHES && performance.now() - began < PUBLISHES_WITHIN; index += 1) {
    const follower = scene.followers[(index * 397) % FOLLOWERS[author]];
    if (follower) times.push(await visibleTo(subject, scene[author], follower, agent));
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

async function visibleTo(subject: Subject, author: Member, { headers }: Member, agent: Agent): Promise<number> {
  const ask = async (request: Request) => JSON.parse(await answerTo(request, subject.server.port, agent)) as unknown;
  const started = performance.now();
  const { id } = (await ask(publish(author))) as Post;
  while (performance.now() - started < VISIBLE_WITHIN) {
    const { items } = (await ask({ method: "GET", path: `/v1/feed?limit=${TOP}`, headers })) as PostPage;
    if (items.some((post) => post.id === id)) break;
    await sleep(POLLED_EVERY);
  }
  return performance.now() - started;
}
