import { AFTER_EVERY_ID, type PersonId, type PostId } from "../../schema/ids.ts";
import { isDormant, type LastSeen, noteSeen, rebuildFeed, today } from "./dormant.ts";
import { likedAmong } from "../reads/documents.ts";
import type { Skeleton } from "../reads/posts.ts";
import type { Reader } from "../storage/reader.ts";
import { timelines } from "./timelines.ts";

/** A part of a person's feed as it is stored: entries, newest first, and what must be known to complete it. */
export type StoredFeed = { entries: Skeleton; largeAuthors: PersonId[]; lastSeen: LastSeen };
type Asked = { before: PostId | undefined; limit: number };

/**
 * The newest `limit` entries below `before`, without those of people whom the reader has muted. One D1 query; it reads three
 * rows an entry, however long the feed is, and for who has muted somebody one more and those that it leaves out.
 */
export async function storedFeed(reader: Reader, person: PersonId, { before, limit }: Asked): Promise<StoredFeed> {
  type Row = Record<"entries" | "largeAuthors" | "lastSeen", string>;
  const [row] = await reader.primary<Row>(person, FEED, person, before ?? AFTER_EVERY_ID, limit);
  if (!row) throw new Error("a SELECT without FROM has one row");
  const entries = JSON.parse(row.entries) as [PostId, 0 | 1 | null, 0 | 1 | null][];
  return {
    entries: entries
      .map(([post, liked, followed]) => ({ post, likedByMe: liked === 1, ...(followed === 1 && { isFollowed: true }) }))
      .sort((a, b) => (a.post < b.post ? 1 : -1)), // An aggregate promises no order.
    largeAuthors: JSON.parse(row.largeAuthors) as PersonId[],
    lastSeen: JSON.parse(row.lastSeen) as LastSeen,
  };
}

/** SQL: whether ?1 has not muted `author`. Whether they have muted anybody is asked once a query, and for most that is all. */
const isHeardSql = (author: string): string => `(NOT EXISTS (SELECT 1 FROM mutes WHERE person = ?1)
  OR NOT EXISTS (SELECT 1 FROM mutes WHERE person = ?1 AND other = ${author}))`;

// The index is named, because the primary key fits as well, and would read everybody whom the reader follows.
const FEED = `
  SELECT (
    SELECT json_group_array(json_array(post, liked, active)) FROM (
      SELECT feed.post, likes.liked, following.active FROM feed
      LEFT JOIN likes ON likes.person = feed.reader AND likes.post = feed.post
      LEFT JOIN following ON following.follower = feed.reader AND following.followee = feed.author
      WHERE feed.reader = ?1 AND feed.post < ?2 AND ${isHeardSql("feed.author")}
      ORDER BY feed.post DESC LIMIT ?3)) AS entries, (
    SELECT json_group_array(followee) FROM following INDEXED BY following_merged
    WHERE follower = ?1 AND merged = 1 AND active = 1 AND ${isHeardSql("followee")}) AS largeAuthors, (
    SELECT json_object('day', seen_day, 'rebuilding', rebuilding) FROM people WHERE id = ?1) AS lastSeen`;

/**
 * The newest `limit` posts below `before` that the person's feed holds, or that large authors whom they follow have
 * published, with what they like. `stored` is the feed's own part, if it has been read. Costs nothing more, but: for who
 * follows large authors one D1 query for the likes of what those add to the page, and one a database for what those of
 * them that nobody has read in the last second have published; on the first read of a day one to note that the person is
 * there; and after a long absence what rebuilding the feed costs.
 */
export async function feedSkeleton(
  reader: Reader,
  person: PersonId,
  asked: Asked,
  stored?: StoredFeed,
): Promise<Skeleton> {
  const { env, background } = reader;
  let feed = stored ?? (await storedFeed(reader, person, asked));
  if (isDormant(feed.lastSeen)) {
    await rebuildFeed(env, person);
    feed = await storedFeed(reader, person, asked);
  } else if (feed.lastSeen.day < today()) {
    background.waitUntil(noteSeen(env, person));
  }
  return feed.largeAuthors.length > 0 ? withLargeAuthors(reader, person, asked, feed) : feed.entries;
}

/** Of a page that the feed fills, only what is newer than its last entry can be on it. */
async function withLargeAuthors(
  reader: Reader,
  person: PersonId,
  { before = AFTER_EVERY_ID as PostId, limit }: Asked,
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

/** The newest `limit` posts of several lists, each once, newest first. */
export const newest = (limit: number, lists: Iterable<Iterable<PostId>>): PostId[] =>
  [...new Set([...lists].flatMap((list) => [...list]))].sort().reverse().slice(0, limit);

/** The newest posts of one author below `before`; for who is not signed in, none of a private one. One D1 query. */
export async function postsOf(
  reader: Reader,
  author: PersonId,
  before: PostId | undefined,
  limit: number,
): Promise<PostId[]> {
  const sql = reader.person === undefined ? PUBLIC_POSTS_OF : POSTS_OF;
  const rows = await reader.replica<{ id: PostId }>(author, sql, author, before ?? AFTER_EVERY_ID, limit);
  return rows.map(({ id }) => id);
}

const postsWhere = (condition: string): string =>
  `SELECT id FROM posts WHERE author = ?1 AND id < ?2 AND ${condition} ORDER BY id DESC LIMIT ?3`;
const POSTS_OF = postsWhere("true");
const PUBLIC_POSTS_OF = postsWhere("NOT EXISTS (SELECT 1 FROM people WHERE id = ?1 AND private = 1)");
