import { type SQL, sql } from "drizzle-orm";
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core";
import { AFTER_EVERY_ID, type PersonId, type PostId } from "../../schema/ids.ts";
import { bindingOf } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { mutes } from "../../schema/tables/notifications.ts";
import { following, people } from "../../schema/tables/people.ts";
import { feed, likes } from "../../schema/tables/posts.ts";
import { mayLackPosts, type LastSeen, markSeen, rebuildFeed, today } from "./dormant.ts";
import { likedAmong } from "../reads/documents.ts";
import { type Skeleton, withPublishedJustNow } from "../reads/posts.ts";
import { Memory } from "../storage/memory.ts";
import type { Reader } from "../storage/reader.ts";
import { timelines } from "./timelines.ts";

const READERS_MAX = 10_000;
/** The most large authors of a reader that an isolate remembers: the ids of all take about 20 MB at most. */
const EXPECTED_MAX = 50;

/**
 * Part of a person's feed as it is stored: entries, newest first; the large authors whose posts must be merged in; when
 * the person was last seen; and the bookmark of the state that was read.
 */
export type StoredFeed = { entries: Skeleton; largeAuthors: PersonId[]; lastSeen: LastSeen; followedAt: string } & {
  /** Those of the `expected` posts that the person likes. */
  liked: PostId[];
};
type Range = { before: PostId | undefined; limit: number };

/**
 * Returns the newest `limit` entries below `before`, without those of people the person has muted. Costs one D1 query
 * that reads a row per entry, and one per like among them, however long the feed is; for somebody who mutes, one more
 * row per entry and the entries left out. `expected` are posts that may be merged in.
 */
export async function storedFeed(
  reader: Reader,
  person: PersonId,
  { before, limit }: Range,
  expected: readonly PostId[] = [],
): Promise<StoredFeed> {
  const params = [person, before ?? AFTER_EVERY_ID, limit, JSON.stringify(expected)];
  // A replica may lack somebody who has just signed up.
  const isHere = (rows: FeedRow[]) => rows.some(({ lastSeen }) => lastSeen !== null);
  const { rows, at } = await reader.existing<FeedRow>(person, FEED, params, isHere);
  const [row] = rows;
  if (!row) throw new Error("a SELECT without FROM returned no row");
  const { posts, liked } = JSON.parse(row.entries) as EntryColumns;
  // A post is in a feed only while its author is followed: what ends a follow also takes the posts out.
  const followedAt = at ?? "";
  return {
    followedAt,
    entries: posts
      .map((post, index) => ({ post, likedByMe: liked[index] === 1, followedAt }))
      .sort((a, b) => (a.post < b.post ? 1 : -1)), // An aggregate guarantees no order.
    largeAuthors: JSON.parse(row.largeAuthors) as PersonId[],
    liked: JSON.parse(row.liked) as PostId[],
    lastSeen: row.lastSeen === null ? { day: today(), rebuilding: 0 } : (JSON.parse(row.lastSeen) as LastSeen),
  };
}

/**
 * Returns an SQL condition that is true unless ?1 has muted `author`. SQLite evaluates its first half, whether ?1 has
 * muted anybody, once per query; for most people that suffices.
 */
const isHeardSql = (author: AnySQLiteColumn): SQL => sql`(
  NOT EXISTS (SELECT 1 FROM ${mutes} WHERE ${mutes.person} = ?1)
  OR NOT EXISTS (SELECT 1 FROM ${mutes} WHERE ${mutes.person} = ?1 AND ${mutes.other} = ${author}))`;

/** The row of FEED: JSON. `lastSeen` is null if there is no such person. */
type FeedRow = Record<Exclude<keyof StoredFeed, "followedAt" | "lastSeen">, string> & { lastSeen: string | null };
/** Entries by column, because an object for each costs a tenth of a page. Null: there is no row of `likes`. */
type EntryColumns = { posts: PostId[]; liked: (0 | 1 | null)[] };

// The index is named because the primary key also fits, but would read everybody the reader follows.
const FEED = textOf(sql`
  SELECT (
    SELECT json_object('posts', json_group_array(post), 'liked', json_group_array(liked)) FROM (
      SELECT ${feed.post} AS post, ${likes.liked} AS liked FROM ${feed}
      LEFT JOIN ${likes} ON ${likes.person} = ${feed.reader} AND ${likes.post} = ${feed.post}
      WHERE ${feed.reader} = ?1 AND ${feed.post} < ?2 AND ${isHeardSql(feed.author)}
      ORDER BY ${feed.post} DESC LIMIT ?3)) AS "entries", (
    SELECT json_group_array(${following.followee}) FROM ${following} INDEXED BY following_merged
    WHERE ${following.follower} = ?1 AND ${following.merged} = 1 AND ${following.active} = 1
    AND ${isHeardSql(following.followee)}) AS "largeAuthors", (
    SELECT json_group_array(${likes.post}) FROM json_each(?4)
    CROSS JOIN ${likes} ON ${likes.person} = ?1 AND ${likes.post} = value AND ${likes.liked} = 1) AS "liked", (
    SELECT json_object('day', ${people.seenDay}, 'rebuilding', ${people.rebuilding}) FROM ${people}
    WHERE ${people.id} = ?1) AS "lastSeen"`);

/**
 * Returns the newest `limit` posts below `before` from the person's feed and from the large authors they follow, each
 * with whether they like it. Beyond `storedFeed`, it costs followers of large authors one D1 query for each database
 * with a large author whose timeline was not read in the last second, and one for their likes of posts merged in that
 * this isolate did not expect. The first read of a day costs one more to note that the person was seen, and a dormant
 * reader's first read rebuilds the feed.
 */
export async function feedSkeleton(reader: Reader, person: PersonId, range: Range): Promise<Skeleton> {
  const { env, background } = reader;
  const expected = expectedPosts(reader, person, range);
  let feed = await storedFeed(reader, person, range, expected);
  const mayLack = mayLackPosts(feed.lastSeen);
  // Only for a session that is valid: the rest of the page is just read.
  const writes = mayLack || feed.lastSeen.day < today();
  if (writes && reader.viewer && !(await reader.confirmedViewer())) return [];
  if (mayLack) {
    const { bookmark } = await rebuildFeed(env, person);
    if (bookmark !== undefined) reader.seen.reached(bindingOf(env, person), bookmark);
    feed = await storedFeed(reader, person, range, expected);
  } else if (feed.lastSeen.day < today()) {
    background.waitUntil(markSeen(env, person));
  }
  const entries =
    feed.largeAuthors.length > 0 ? await withLargeAuthors(reader, person, range, feed, expected) : feed.entries;
  const { before = AFTER_EVERY_ID as PostId, limit } = range;
  return withPublishedJustNow(reader.seen, entries, before, limit);
}

/** The large authors that each reader followed when this isolate last read their feed. */
const largeAuthorsOf = new Memory<PersonId, readonly PersonId[]>(READERS_MAX);

/**
 * Returns the posts of large authors that are probably on the page, as far as this isolate remembers, so that one query
 * reads the feed and the likes of them. Also begins to read their timelines again if these are old. Costs at most as
 * much as `timelines`.
 */
function expectedPosts(
  reader: Reader,
  person: PersonId,
  { before = AFTER_EVERY_ID as PostId, limit }: Range,
): PostId[] {
  const authors = largeAuthorsOf.get(person)?.value ?? [];
  if (authors.length === 0) return [];
  timelines.get(reader, authors).catch(() => undefined); // `withLargeAuthors` awaits the same read.
  const published = [...timelines.remembered(authors).values()].map(({ posts }) =>
    posts.filter((post) => post < before),
  );
  return newest(limit, published);
}

/**
 * Merges in the posts of large authors. If stored entries fill the page, only posts newer than the last of them can be
 * on it.
 */
async function withLargeAuthors(
  reader: Reader,
  person: PersonId,
  { before = AFTER_EVERY_ID as PostId, limit }: Range,
  { entries, largeAuthors, followedAt, liked }: StoredFeed,
  expected: readonly PostId[],
): Promise<Skeleton> {
  if (largeAuthors.length <= EXPECTED_MAX) largeAuthorsOf.set(person, largeAuthors);
  else largeAuthorsOf.delete(person);
  const floor = entries[limit - 1]?.post ?? "";
  const known = new Map(entries.map((entry) => [entry.post, entry]));
  const published = [...(await timelines.get(reader, largeAuthors)).values()].map(({ posts }) =>
    posts.filter((post) => post < before && post > floor),
  );
  const posts = newest(limit, [[...known.keys()], ...published]);
  const [asked, likedByMe] = [new Set(expected), new Set(liked)];
  const unknown = posts.filter((post) => !known.has(post) && !asked.has(post));
  if (unknown.length > 0) for (const post of await likedAmong(reader, person, unknown)) likedByMe.add(post);
  return posts.map((post) => known.get(post) ?? { post, likedByMe: likedByMe.has(post), followedAt });
}

/** Returns the newest `limit` distinct posts of several lists, newest first. */
export const newest = (limit: number, lists: Iterable<Iterable<PostId>>): PostId[] =>
  [...new Set([...lists].flatMap((list) => [...list]))].sort().reverse().slice(0, limit);
