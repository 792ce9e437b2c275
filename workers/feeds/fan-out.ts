/**
 * Fan-out: delivers a post to its readers by a tree of bounded messages. The root message serves the followers of a
 * small author itself. For other authors it splits the logical shards of the followers into follower ranges, each
 * served by a chain of pages. Pages have their own queue, in which all authors take turns: however large an author is,
 * the post of a small one waits only for the few pages that are being served.
 *
 * Each follower range consists of one or more of FOLLOWER_PARTS equal parts of the shards. The post's actor remembers
 * which parts have been served, and sends the root again until it hears of all of them; a repeated root sends only the
 * ranges that are left. A message with `after` exists only if all followers up to there were served, and the parts do
 * not depend on the ranges. So messages may be lost, repeated, late or reordered, and roots may split differently.
 *
 * The post of a large author is written to no feed. The same tree delivers it only to followers with a bell.
 */
import { type SQL, sql } from "drizzle-orm";
import { statement, type Database } from "../../schema/d1/database.ts";
import { ALL_FOLLOWER_PARTS, type FanOut, type FollowerRange, FOLLOWER_PARTS } from "../../schema/messages/fan-out.ts";
import { within } from "../../schema/d1/deadline.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { bindingOf, bindings, byDatabase, databaseOf } from "../../schema/d1/shards.ts";
import { list, literal, textOf } from "../../schema/d1/sql.ts";
import { following, people, type Reach } from "../../schema/tables/people.ts";
import { feed, postStats } from "../../schema/tables/posts.ts";
import { announce } from "../push/announce.ts";
import { bellStatements, unreadIn } from "../notifications/bell-notifications.ts";
import { countDelivered } from "../operations/count-delivered.ts";
import { oldestActiveDay } from "./dormant.ts";
import { feedTurn, isHeardSql, TRIM_FEED_ONE_IN, trimFeedsTexts, trimInTurn } from "./feed-limit.ts";
import { isLarge, turnLarge } from "./large-authors.ts";
import {
  bellCountSql,
  PAGE,
  PAGE_MARKS,
  type PageMark,
  pageOf,
  type Recipient,
  recipientsOf,
  SHARDS_PER_PART,
} from "./recipients.ts";
import type { UnreadNotification } from "../notifications/write-notifications.ts";

/** The most readers that one message serves. */
export const READERS_PER_MESSAGE = 1000;
/** The time for a database to write its share of a page, in ms. A slower one counts as failed. */
const PAGE_WRITTEN_WITHIN = 5000;

/**
 * Handles one message of the tree. A root costs one D1 query and one call to the actor. A page, and the root of a small
 * author, costs one batch in the author's database if its followers are there, otherwise one query for the followers
 * and one batch for each of their databases; and one call to the actor. It writes one row for each reader, and two
 * for each bell, in a batch of their own if the followers are beside the author.
 */
export async function fanOut(env: Env, { post, author, parts }: FanOut): Promise<void> {
  if (parts) return servePage(env, post, author, parts);
  const { deleted, reach, recipients } = await readAudience(env, post, author);
  if (deleted) return;
  const bells = reach === "merged";
  if (bells && recipients === 0) {
    await env.POSTS.getByName(post).confirmDelivered(ALL_FOLLOWER_PARTS);
    return;
  }
  if (reach === "pushed" && isLarge(env, recipients)) await turnLarge(env, author);
  const ranges = split(env, recipients).map((range) => (bells ? { ...range, bells } : range));
  const [only] = ranges;
  if (only && ranges.length === 1) await servePage(env, post, author, only);
  else await sendPages(env, post, author, ranges);
}

/**
 * Reads whether the post is deleted, how the author's posts reach their readers, and the number of recipients. Throws
 * while D1 lacks the post, so that the queue retries. That way no follower is missed: later followers find the post in
 * their backfill, and earlier ones are among the recipients.
 *
 * Also trims the author's own feed, which the projector fills, when its turn comes.
 */
async function readAudience(env: Env, post: PostId, author: PersonId) {
  const database = databaseOf(env, author);
  const [found] = await database.patient.batch<Audience>([statement(AUDIENCE, post, author), ...trimInTurn([author])]);
  const row = found?.rows[0];
  if (!row) throw new Error(`${post} is not in D1 yet`);
  return row;
}

type Audience = { deleted: 0 | 1; reach: Reach; recipients: number };

// Bells are counted only up to the number that still widens the tree.
const AUDIENCE = textOf(sql`
  SELECT ${postStats.deleted} AS "deleted", coalesce(${people.reach}, ${literal("pushed" satisfies Reach)}) AS "reach",
    iif(${people.reach} = ${literal("merged" satisfies Reach)}, ${bellCountSql(FOLLOWER_PARTS * READERS_PER_MESSAGE)},
      coalesce(${people.followers}, 0)) AS "recipients"
  FROM ${postStats} LEFT JOIN ${people} ON ${people.id} = ?2 WHERE ${postStats.post} = ?1`);

/**
 * Splits all parts into about equal ranges, one for each page of recipients and at most FOLLOWER_PARTS. With more than
 * one page, a range ends where the next part begins in another database, so that a database that is down does not hold
 * up another. That holds as long as databases are divided at the boundaries of parts.
 */
function split(env: Env, recipients: number): FollowerRange[] {
  const width = Math.min(FOLLOWER_PARTS, Math.max(1, Math.ceil(recipients / READERS_PER_MESSAGE)));
  const boundaries = new Set(Array.from({ length: width }, (_, index) => Math.floor((index * FOLLOWER_PARTS) / width)));
  const homeOf = (part: number) => bindingOf(env, part * SHARDS_PER_PART);
  const ranges: FollowerRange[] = [];
  for (let part = 0; part < FOLLOWER_PARTS; part += 1) {
    const last = ranges.at(-1);
    if (last && !boundaries.has(part) && (width === 1 || homeOf(part) === homeOf(part - 1))) last.end = part + 1;
    else ranges.push({ first: part, end: part + 1 });
  }
  return ranges;
}

/** Returns the range as a set with one bit for each part. */
const bitsOf = ({ first, end }: FollowerRange): number => 2 ** end - 2 ** first;

/** Queues the first page of each range that has not been served completely. */
async function sendPages(env: Env, post: PostId, author: PersonId, ranges: FollowerRange[]): Promise<void> {
  const left = await env.POSTS.getByName(post).confirmDelivered(0);
  const messages = ranges.filter((range) => (bitsOf(range) & left) !== 0);
  if (messages.length === 0) return;
  await env.FAN_OUT_PAGES.sendBatch(messages.map((parts) => ({ body: { post, author, parts } satisfies FanOut })));
}

/**
 * Serves one page of a range, and then queues the next page. The actor is asked first, because there is no next page if
 * the post is gone or another chain has finished the range.
 */
async function servePage(env: Env, post: PostId, author: PersonId, parts: FollowerRange): Promise<void> {
  const isNear = !parts.bells && areAllBeside(env, author, parts);
  const last = await (isNear ? serveBeside : serveAnywhere)(env, post, author, parts);
  const left = await env.POSTS.getByName(post).confirmDelivered(last ? 0 : bitsOf(parts));
  if (!last || (bitsOf(parts) & left) === 0) return;
  await env.FAN_OUT_PAGES.send({ post, author, parts: { ...parts, after: last } } satisfies FanOut);
}

/** Whether the database of the author holds all followers of a range. */
function areAllBeside(env: Env, author: PersonId, { first, end }: FollowerRange): boolean {
  if (bindings(env).length === 1) return true;
  const own = bindingOf(env, author);
  for (let shard = first * SHARDS_PER_PART; shard < end * SHARDS_PER_PART; shard += 1) {
    if (bindingOf(env, shard) !== own) return false;
  }
  return true;
}

/**
 * Serves a page inside one database, so that no ids travel. Costs one batch, and another one if somebody has a bell.
 * Returns the page's last follower if it is full.
 */
async function serveBeside(
  env: Env,
  post: PostId,
  author: PersonId,
  parts: FollowerRange,
): Promise<PersonId | undefined> {
  const page = pageOf(author, parts, READERS_PER_MESSAGE);
  const database = databaseOf(env, author).patient;
  const turn = feedTurn();
  const statements = [
    statement(FILL_PAGE, ...page, post, oldestActiveDay()),
    statement(PAGE_MARKS, ...page),
    ...TRIM_PAGE.map((text) => statement(text, ...page, turn)),
  ];
  const [filled, marks] = await within(PAGE_WRITTEN_WITHIN, database.batch<PageMark>(statements), "D1");
  countDelivered("feeds", filled);
  const marked = marks?.rows ?? [];
  const bells = marked.filter(({ bell }) => bell);
  if (bells.length > 0) await serve(env, database, bells, post, author, true);
  return marked.find(({ isLast }) => isLast)?.id;
}

/** Serves a page whose followers may be in several databases. Returns its last follower if it is full. */
async function serveAnywhere(
  env: Env,
  post: PostId,
  author: PersonId,
  parts: FollowerRange,
): Promise<PersonId | undefined> {
  const page = await recipientsOf(env, author, parts, READERS_PER_MESSAGE);
  await settleAll(
    [...byDatabase(env, page, ({ id }) => id)].map(([database, group]) =>
      serve(env, database.patient, group, post, author, parts.bells ?? false),
    ),
  );
  return page.length === READERS_PER_MESSAGE ? page.at(-1)?.id : undefined;
}

/** Serves the recipients of a page who live in one database. A repetition leaves existing rows as they are. */
async function serve(
  env: Env,
  database: Database,
  group: readonly Recipient[],
  post: PostId,
  author: PersonId,
  bellsOnly: boolean,
): Promise<void> {
  // Sorted by the key of the feed, because neighbouring rows share a page of the database.
  const readers = group.map(({ id }) => id).toSorted();
  const withBells = group.filter(({ bell }) => bell).map(({ id }) => id);
  const feedStatements = bellsOnly
    ? []
    : [statement(FILL_FEEDS, JSON.stringify(readers), post, author, oldestActiveDay()), ...trimInTurn(readers)];
  const statements = [...feedStatements, ...bellStatements(withBells, author, [post])];
  const results = await within(PAGE_WRITTEN_WITHIN, database.batch<UnreadNotification>(statements), "D1");
  if (!bellsOnly) countDelivered("feeds", results[0]);
  if (withBells.length > 0) await announce(env, unreadIn(results));
}

/** Waits for all promises, so that a failure does not cut the others short; then rethrows the first failure. */
async function settleAll(promises: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

// Joins the facts, which live in the database of the feed. Readers get nothing if they have unfollowed in the meantime,
// have muted the author, merge their posts at read, or are dormant.
export const readsPushed = (reader: SQL, author: SQL, oldestDay: SQL): SQL => sql`
  CROSS JOIN ${following} ON ${following.follower} = ${reader} AND ${following.followee} = ${author}
    AND ${following.active} = 1 AND ${following.merged} = 0
  CROSS JOIN ${people} ON ${people.id} = ${reader} AND ${people.seenDay} >= ${oldestDay}
    AND ${isHeardSql(reader, author)}`;

const FILL_FEEDS = textOf(sql`
  INSERT INTO ${feed} (${list(feed.reader, feed.post, feed.author)})
  SELECT value, ?2, ?3 FROM json_each(?1) ${readsPushed(sql`value`, sql`?3`, sql`?4`)}
  WHERE true ON CONFLICT DO NOTHING`);

// In the order of the ids, because neighbouring rows of each of these tables share a page of the database. Without a LIMIT,
// SQLite drops that order.
const FILL_PAGE = textOf(sql`
  INSERT INTO ${feed} (${list(feed.reader, feed.post, feed.author)})
  SELECT page.id, ?6, ?1 FROM (SELECT id FROM ${PAGE} ORDER BY id LIMIT ?5) AS page
  ${readsPushed(sql`page.id`, sql`?1`, sql`?7`)}
  WHERE true ON CONFLICT DO NOTHING`);

const TRIM_PAGE = trimFeedsTexts(sql`(
  SELECT id AS value FROM (SELECT id, row_number() OVER () AS place FROM ${PAGE})
  WHERE (place - 1) % ${literal(TRIM_FEED_ONE_IN)} = ?6)`);
