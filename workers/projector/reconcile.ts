/** Finds projections that differ from their actors, which must never happen, and has them written again. */
import type { Audit } from "../../schema/api/audit.ts";
import { newId, type PostId } from "../../schema/ids.ts";
import { databaseOf, databases, isHomeOf } from "../../schema/d1/shards.ts";
import { audit } from "./audit.ts";

/** The number of posts that a sweep audits in each database. */
const SAMPLE = 3;
/** The age in ms up to which posts are sampled: 30 days. */
const SAMPLED_AGE = 30 * 24 * 3_600_000;

/** Audits a random sample of posts of each database and repairs those that differ. Returns how many did. */
export async function reconcileSample(env: Env, now = Date.now()): Promise<number> {
  let repaired = 0;
  for (const database of databases(env)) {
    const from = newId<PostId>(0, now - Math.floor(Math.random() * SAMPLED_AGE), 0);
    const sample = await database
      .prepare("SELECT id FROM posts WHERE id >= ? ORDER BY id LIMIT ?")
      .bind(from, SAMPLE)
      .all<{ id: PostId }>();
    const posts = sample.results.filter(({ id }) => isHomeOf(env, database, id));
    for (const { id } of posts) repaired += Number((await reconcile(env, id)).repaired);
  }
  return repaired;
}

/**
 * Repairs the projection of one post if it differs, and returns the audit, which is undefined if there is no such post.
 * A repair scans the likes of every database: only repairs look up likes by post, so there is no index for it.
 */
export async function reconcile(env: Env, post: PostId): Promise<{ repaired: boolean; audit: Audit | undefined }> {
  const found = await audit(env, post);
  if (found?.verdict !== "different") return { repaired: false, audit: found };
  console.error("projection differs from its actor, rewriting it", { post, ...found });
  for (const database of databases(env)) {
    await database.batch([
      database.prepare("DELETE FROM likes WHERE post = ?").bind(post),
      database.prepare("DELETE FROM like_digests WHERE post = ?").bind(post),
    ]);
  }
  // Deletes the rows that the actor might not know of, since nothing would overwrite them. The other rows stay visible,
  // but their versions are reset, so that anything overwrites them.
  const database = databaseOf(env, post);
  await database.batch([
    database.prepare("UPDATE post_stats SET seq = 0, projected = 0, comments_up_to = '' WHERE post = ?").bind(post),
    database.prepare("DELETE FROM comments WHERE post = ?").bind(post),
    database.prepare("UPDATE posts SET seq = 0 WHERE id = ?").bind(post),
  ]);
  await env.POSTS.getByName(post).projectAgain();
  return { repaired: true, audit: found };
}
