import { AFTER_EVERY_ID, type PersonId, type PostId } from "../../schema/ids.ts";
import type { Reader } from "./reader.ts";
import type { Skeleton } from "./posts.ts";

/**
 * The newest `limit` entries of the reader's feed below `before`, with what the reader likes. One D1 query; it reads two
 * rows an entry, and no more however long the feed is.
 */
export async function feedSkeleton(
  reader: Reader,
  person: PersonId,
  before: PostId | undefined,
  limit: number,
): Promise<Skeleton> {
  const rows = await reader.primary<FeedRow>(person, FEED, person, before ?? AFTER_EVERY_ID, limit);
  return rows.map(({ post, liked }) => ({ post, likedByMe: liked === 1 }));
}

type FeedRow = { post: PostId; liked: number | null };
const FEED = `
  SELECT feed.post, likes.liked FROM feed LEFT JOIN likes ON likes.person = feed.reader AND likes.post = feed.post
  WHERE feed.reader = ?1 AND feed.post < ?2 ORDER BY feed.post DESC LIMIT ?3`;

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
