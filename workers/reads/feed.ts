import { AFTER_EVERY_ID, type PersonId, type PostId } from "../../schema/ids.ts";
import { isDormant, type LastSeen, noteSeen, rebuildFeed, today } from "../delivery/dormant.ts";
import { likedAmong } from "./documents.ts";
import type { Skeleton } from "./posts.ts";
import type { Reader } from "./reader.ts";
import { timelines } from "./timelines.ts";

/** A part of a person's feed as it is stored: entries, newest first, and what must be known to complete it. */
export type StoredFeed = { entries: Skeleton; largeAuthors: PersonId[]; lastSeen: LastSeen };
type Asked = { before: PostId | undefined; limit: number };

/** The newest `limit` entries below `before`. One D1 query; it reads two rows an entry, however long the feed is. */
export async function storedFeed(reader: Reader, person: PersonId, { before, limit }: Asked): Promise<StoredFeed> {
  type Row = Record<"entries" | "largeAuthors" | "lastSeen", string>;
  const [row] = await reader.primary<Row>(person, FEED, person, before ?? AFTER_EVERY_ID, limit);
  if (!row) throw new Error("a SELECT without FROM has one row");
  const entries = JSON.parse(row.entries) as [PostId, 0 | 1 | null][];
  return {
    entries: entries
      .map(([post, liked]) => ({ post, likedByMe: liked === 1 }))
      .sort((a, b) => (a.post < b.post ? 1 : -1)), // An aggregate promises no order.
    largeAuthors: JSON.parse(row.largeAuthors) as PersonId[],
    lastSeen: JSON.parse(row.lastSeen) as LastSeen,
  };
}

// The index is named, because the primary key fits as well, and would read everybody whom the reader follows.
const FEED = `
  SELECT (
    SELECT json_group_array(json_array(post, liked)) FROM (
      SELECT feed.post, likes.liked FROM feed
      LEFT JOIN likes ON likes.person = feed.reader AND likes.post = feed.post
      WHERE feed.reader = ?1 AND feed.post < ?2 ORDER BY feed.post DESC LIMIT ?3)) AS entries, (
    SELECT json_group_array(followee) FROM following INDEXED BY following_merged
    WHERE follower = ?1 AND merged = 1 AND active = 1) AS largeAuthors, (
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
  const known = new Map(entries.map(({ post, likedByMe }) => [post, likedByMe]));
  const published = [...(await timelines.get(reader, largeAuthors)).values()].map(({ posts }) =>
    posts.filter((post) => post < before && post > floor),
  );
  const posts = newest(limit, [[...known.keys()], ...published]);
  const unknown = posts.filter((post) => !known.has(post));
  const liked = unknown.length > 0 ? await likedAmong(reader, person, unknown) : new Set<PostId>();
  return posts.map((post) => ({ post, likedByMe: known.get(post) ?? liked.has(post) }));
}

/** The newest `limit` posts of several lists, each once, newest first. */
export const newest = (limit: number, lists: Iterable<Iterable<PostId>>): PostId[] =>
  [...new Set([...lists].flatMap((list) => [...list]))].sort().reverse().slice(0, limit);

/** The newest posts of one author below `before`. One D1 query. */
export async function postsOf(
  reader: Reader,
  author: PersonId,
  before: PostId | undefined,
  limit: number,
): Promise<PostId[]> {
  const rows = await reader.replica<{ id: PostId }>(author, POSTS_OF, author, before ?? AFTER_EVERY_ID, limit);
  return rows.map(({ id }) => id);
}

const POSTS_OF = "SELECT id FROM posts WHERE author = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
