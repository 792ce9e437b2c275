import { AFTER_EVERY_ID, type PersonId, type PostId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import type { Skeleton } from "./posts.ts";

/**
 * The newest `limit` entries of the reader's feed below `before`, with what the reader likes. One D1 query; it reads two
 * rows an entry, and no more however long the feed is.
 */
export async function feedSkeleton(
  env: Env,
  reader: PersonId,
  before: PostId | undefined,
  limit: number,
): Promise<Skeleton> {
  const rows = await databaseOf(env, reader)
    .prepare(
      `SELECT feed.post, likes.liked FROM feed
       LEFT JOIN likes ON likes.person = feed.reader AND likes.post = feed.post
       WHERE feed.reader = ?1 AND feed.post < ?2 ORDER BY feed.post DESC LIMIT ?3`,
    )
    .bind(reader, before ?? AFTER_EVERY_ID, limit)
    .all<{ post: PostId; liked: number | null }>();
  return rows.results.map(({ post, liked }) => ({ post, likedByMe: liked === 1 }));
}

/** The newest posts of one author below `before`. One D1 query. */
export async function postsOf(
  env: Env,
  author: PersonId,
  before: PostId | undefined,
  limit: number,
): Promise<PostId[]> {
  const rows = await databaseOf(env, author)
    .prepare("SELECT id FROM posts WHERE author = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3")
    .bind(author, before ?? AFTER_EVERY_ID, limit)
    .all<{ id: PostId }>();
  return rows.results.map(({ id }) => id);
}
