/**
 * A post's way into its readers' feeds: a tree of bounded messages. Its root serves the followers of a small author itself.
 * For others it splits their followers' logical shards into at most PARTS ranges, each a chain of pages. So however large
 * an author is, another's post waits for a few of their messages and never for all.
 *
 * The post's actor remembers which parts have been served, and sends the root again when it hears nothing; the root sends
 * what is left. A message with `after` exists only because all up to there were served, and parts are the same whatever
 * the ranges: so messages may be lost, repeated, late or reordered, and roots may split differently.
 */
import { EVERY_PART, type FanOut, type Parts, PARTS } from "../../schema/facts.ts";
import { LOGICAL_SHARDS, type PersonId, type PostId } from "../../schema/ids.ts";
import { byDatabase, databaseOf } from "../../schema/shards.ts";
import type { Reach } from "../../schema/tables/people.ts";
import { delivered } from "../operations/delivered.ts";
import { followersOf } from "../reads/follows.ts";
import { seenSince } from "./dormant.ts";
import { drawn, trimmed } from "./feed-bound.ts";
import { isLarge, turnLarge } from "./large-authors.ts";

/** Bounds the work of one message. */
export const READERS_PER_MESSAGE = 1000;

/**
 * Costs a root one D1 query and one call to the actor. Costs a page, and the root of a small author, one query of the
 * followers, one batch for each database they live in, and one call to the actor; it writes a row for each reader.
 */
export async function fanOut(env: Env, { post, author, parts }: FanOut): Promise<void> {
  if (parts) return servePage(env, post, author, parts);
  const { deleted, reach, followers } = await standingOf(env, post, author);
  if (deleted) return;
  if (reach === "merged") {
    await env.POSTS.getByName(post).confirmDelivered(EVERY_PART);
    return;
  }
  if (reach === "pushed" && isLarge(env, followers)) await turnLarge(env, author);
  const ranges = split(followers);
  const [only] = ranges;
  if (only && ranges.length === 1) await servePage(env, post, author, only);
  else await send(env, post, author, ranges);
}

/**
 * Throws, for a later try, while the post has no row. Whoever follows from now on finds the post by their backfill, and
 * whoever followed before is among the followers: so nobody falls between the two.
 *
 * The author's own feed, which the projector fills, has its turn of being trimmed here.
 */
async function standingOf(env: Env, post: PostId, author: PersonId) {
  const database = databaseOf(env, author);
  const [found] = await database.batch<{ deleted: number; reach: Reach; followers: number }>([
    database.prepare(STANDING).bind(post, author),
    ...trimmed(database, drawn([author])),
  ]);
  const row = found?.results[0];
  if (!row) throw new Error(`${post} is not in D1 yet`);
  return row;
}

const STANDING = `
  SELECT deleted, coalesce(reach, 'pushed') AS reach, coalesce(followers, 0) AS followers
  FROM post_stats LEFT JOIN people ON people.id = ?2 WHERE post = ?1`;

/** All parts, in as many ranges as there are pages of followers, about equal. */
function split(followers: number): Parts[] {
  const width = Math.min(PARTS, Math.max(1, Math.ceil(followers / READERS_PER_MESSAGE)));
  const boundary = (index: number) => Math.floor((index * PARTS) / width);
  return Array.from({ length: width }, (_, index) => ({ first: boundary(index), end: boundary(index + 1) }));
}

const setOf = ({ first, end }: Parts): number => 2 ** end - 2 ** first;

async function send(env: Env, post: PostId, author: PersonId, ranges: Parts[]): Promise<void> {
  const left = await env.POSTS.getByName(post).confirmDelivered(0);
  const messages = ranges.filter((parts) => (setOf(parts) & left) !== 0);
  if (messages.length === 0) return;
  await env.FAN_OUT.sendBatch(messages.map((parts) => ({ body: { post, author, parts } satisfies FanOut })));
}

/** The next page only after the actor's answer: of a post that is gone, or a part that another chain has ended, there is none. */
async function servePage(env: Env, post: PostId, author: PersonId, parts: Parts): Promise<void> {
  const { after, first, end } = parts;
  const shardsPerPart = LOGICAL_SHARDS / PARTS;
  const shards = { first: first * shardsPerPart, end: end * shardsPerPart };
  const readers = await followersOf(env, author, after, READERS_PER_MESSAGE, shards);
  await Promise.all(
    [...byDatabase(env, readers, (reader) => reader)].map(async ([database, group]) => {
      const [pushed] = await database.batch([
        // In the order of the feed's key: neighbouring rows lie on one page of the database.
        database.prepare(PUSH).bind(JSON.stringify(group.toSorted()), post, author, seenSince()),
        ...trimmed(database, drawn(group)),
      ]);
      delivered("feeds", pushed);
    }),
  );
  const last = readers.length === READERS_PER_MESSAGE ? readers.at(-1) : undefined;
  const left = await env.POSTS.getByName(post).confirmDelivered(last ? 0 : setOf(parts));
  if (!last || (setOf(parts) & left) === 0) return;
  await env.FAN_OUT.send({ post, author, parts: { ...parts, after: last } } satisfies FanOut);
}

// The joins ask the facts, which live beside the feed: whoever has unfollowed in the meantime gets nothing, and neither does
// whoever reads this author's posts at read, or has not been there for long.
const PUSH = `
  INSERT INTO feed (reader, post, author)
  SELECT value, ?2, ?3 FROM json_each(?1)
  CROSS JOIN following ON follower = value AND followee = ?3 AND active = 1 AND merged = 0
  CROSS JOIN people ON people.id = value AND seen_day >= ?4
  WHERE true ON CONFLICT DO NOTHING`;
