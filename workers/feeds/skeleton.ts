import { type SQL, sql } from "drizzle-orm";
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core";
import { AFTER_EVERY_ID, type PersonId, type PostId } from "../../schema/ids.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { mutes } from "../../schema/tables/notifications.ts";
import { following, people } from "../../schema/tables/people.ts";
import { feed, likes, posts } from "../../schema/tables/posts.ts";
import { mayLackPosts, type LastSeen, markSeen, rebuildFeed, today } from "./dormant.ts";
import { likedAmong } from "../reads/documents.ts";
import type { Skeleton } from "../reads/posts.ts";
import type { Reader } from "../storage/reader.ts";
import { timelines } from "./timelines.ts";

/**
 * Part of a person's feed as it is stored: entries, newest first; the large authors whose posts must be merged in; and
 * when the person was last seen.
 */
export type StoredFeed = { entries: Skeleton; largeAuthors: PersonId[]; lastSeen: LastSeen };
type Range = { before: PostId | undefined; limit: number };

/**
 * Returns the newest `limit` entries below `before`, without those of people whom the person has muted. Costs one D1
 * query that reads three rows per entry, however long the feed is; for somebody who mutes, one more row per entry and
 * the entries left out.
 */
export async function storedFeed(reader: Reader, person: PersonId, { before, limit }: Range): Promise<StoredFeed> {
  const [row] = await reader.primary<FeedRow>(person, FEED, person, before ?? AFTER_EVERY_ID, limit);
  if (!row) throw new Error("a SELECT without FROM returned no row");
  const { posts, liked, followed } = JSON.parse(row.entries) as EntryColumns;
  return {
    entries: posts
      .map((post, index) => ({
        post,
        likedByMe: liked[index] === 1,
        ...(followed[index] === 1 && { isFollowed: true }),
      }))
      .sort((a, b) => (a.post < b.post ? 1 : -1)), // An aggregate guarantees no order.
    largeAuthors: JSON.parse(row.largeAuthors) as PersonId[],
    lastSeen: JSON.parse(row.lastSeen) as LastSeen,
  };
}

/**
 * Returns an SQL condition that is true unless ?1 has muted `author`. SQLite evaluates its first half, whether ?1 has
 * muted anybody, once per query; for most people that suffices.
 */
const isHeardSql = (author: AnySQLiteColumn): SQL => sql`(
  NOT EXISTS (SELECT 1 FROM ${mutes} WHERE ${mutes.person} = ?1)
  OR NOT EXISTS (SELECT 1 FROM ${mutes} WHERE ${mutes.person} = ?1 AND ${mutes.other} = ${author}))`;

/** The row of FEED: JSON. */
type FeedRow = Record<keyof StoredFeed, string>;
/** Entries by column, because an object for each costs a tenth of a page. Null: there is no row of `likes` or `following`. */
type EntryColumns = { posts: PostId[]; liked: (0 | 1 | null)[]; followed: (0 | 1 | null)[] };

// The index is named because the primary key also fits, but would read everybody the reader follows.
const FEED = textOf(sql`
  SELECT (
    SELECT json_object(
      'posts', json_group_array(post), 'liked', json_group_array(liked), 'followed', json_group_array(followed)) FROM (
      SELECT ${feed.post} AS post, ${likes.liked} AS liked, ${following.active} AS followed FROM ${feed}
      LEFT JOIN ${likes} ON ${likes.person} = ${feed.reader} AND ${likes.post} = ${feed.post}
      LEFT JOIN ${following} ON ${following.follower} = ${feed.reader} AND ${following.followee} = ${feed.author}
      WHERE ${feed.reader} = ?1 AND ${feed.post} < ?2 AND ${isHeardSql(feed.author)}
      ORDER BY ${feed.post} DESC LIMIT ?3)) AS "entries", (
    SELECT json_group_array(${following.followee}) FROM ${following} INDEXED BY following_merged
    WHERE ${following.follower} = ?1 AND ${following.merged} = 1 AND ${following.active} = 1
    AND ${isHeardSql(following.followee)}) AS "largeAuthors", (
    SELECT json_object('day', ${people.seenDay}, 'rebuilding', ${people.rebuilding}) FROM ${people}
    WHERE ${people.id} = ?1) AS "lastSeen"`);

/**
 * Returns the newest `limit` posts below `before` from the person's feed and from the large authors they follow, each
 * with whether they like it. `stored` is the result of `storedFeed`, if it has been read. Beyond `storedFeed`, it costs
 * followers of large authors one D1 query for their likes of the posts merged in, and one for each database with a
 * large author whose timeline was not read in the last second. The first read of a day costs one more to note that the
 * person was seen, and a dormant reader's first read rebuilds the feed.
 */
export async function feedSkeleton(
  reader: Reader,
  person: PersonId,
  range: Range,
  stored?: StoredFeed,
): Promise<Skeleton> {
  const { env, background } = reader;
  let feed = stored ?? (await storedFeed(reader, person, range));
  if (mayLackPosts(feed.lastSeen)) {
    await rebuildFeed(env, person);
    feed = await storedFeed(reader, person, range);
  } else if (feed.lastSeen.day < today()) {
    background.waitUntil(markSeen(env, person));
  }
  return feed.largeAuthors.length > 0 ? withLargeAuthors(reader, person, range, feed) : feed.entries;
}

/**
 * Merges in the posts of large authors. If stored entries fill the page, only posts newer than the last of them can be
 * on it.
 */
async function withLargeAuthors(
  reader: Reader,
  person: PersonId,
  { before = AFTER_EVERY_ID as PostId, limit }: Range,
  { entries, largeAuthors }: StoredFeed,
): Promise<Skeleton> {
  const floor = entries[limit - 1]?.post ?? "";
  const known = new Map(entries.map((entry) => [entry.post, entry]));
  const published = [...(await timelines.get(reader, largeAuthors)).values()].map(({ posts }) =>
    posts.filter((post) => post < before && post > floor),
  );
  const posts = newest(limit, [[...known.keys()], ...published]);
  const unknown = posts.filter((post) => !known.has(post));
  const liked = unknown.length > 0 ? await likedAmong(reader, person, unknown) : new Set<PostId>();
  return posts.map((post) => known.get(post) ?? { post, likedByMe: liked.has(post), isFollowed: true });
}

/** Returns the newest `limit` distinct posts of several lists, newest first. */
export const newest = (limit: number, lists: Iterable<Iterable<PostId>>): PostId[] =>
  [...new Set([...lists].flatMap((list) => [...list]))].sort().reverse().slice(0, limit);

/**
 * Returns the newest `limit` posts of one author below `before`. To an anonymous viewer a private author has none.
 * Costs one D1 query.
 */
export async function postsOf(
  reader: Reader,
  author: PersonId,
  before: PostId | undefined,
  limit: number,
): Promise<PostId[]> {
  const query = reader.person === undefined ? PUBLIC_POSTS_OF : POSTS_OF;
  const rows = await reader.replica<{ id: PostId }>(author, query, author, before ?? AFTER_EVERY_ID, limit);
  return rows.map(({ id }) => id);
}

const postsWhere = (condition: SQL): string =>
  textOf(sql`
    SELECT ${posts.id} AS "id" FROM ${posts} WHERE ${posts.author} = ?1 AND ${posts.id} < ?2 AND ${condition}
    ORDER BY ${posts.id} DESC LIMIT ?3`);
const POSTS_OF = postsWhere(sql`true`);
const PUBLIC_POSTS_OF = postsWhere(
  sql`NOT EXISTS (SELECT 1 FROM ${people} WHERE ${people.id} = ?1 AND ${people.private} = 1)`,
);
