/** Finds projections that differ from their actors, which must never happen, and has them written anew. */
import type { Audit } from "../../schema/api/audit.ts";
import { newId, type PostId } from "../../schema/ids.ts";
import { databaseOf, databases, isHomeOf } from "../../schema/d1/shards.ts";
import { audit } from "./audit.ts";

/** Of each database, in each sweep. */
const SAMPLE = 3;
/** Posts are sampled among those of the last 30 days, in ms. */
const SAMPLED_AGE = 30 * 24 * 3_600_000;

/** Audits a few posts of each database, drawn anew each time, and repairs those that differ. Returns how many did. */
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
 * Repairs the projection of one post if it differs, and tells what was found: no audit of no post. The likes of a post are found by a scan of every
 * database, since no index serves anything but this: the price of a repair, and of nothing else.
 */
export async function reconcile(env: Env, post: PostId): Promise<{ repaired: boolean; audit: Audit | undefined }> {
  const found = await audit(env, post);
  if (found?.verdict !== "different") return { repaired: false, audit: found };
  console.error("projection differs from its actor, writing it anew", { post, ...found });
  for (const database of databases(env)) {
    await database.batch([
      database.prepare("DELETE FROM likes WHERE post = ?").bind(post),
      database.prepare("DELETE FROM like_digests WHERE post = ?").bind(post),
    ]);
  }
  // What nothing would overwrite, because the actor does not know of it, must go. The rest of what is shown stays until it
  // is overwritten; without its version, anything overwrites it.
  const database = databaseOf(env, post);
  await database.batch([
    database.prepare("UPDATE post_stats SET seq = 0, projected = 0, comments_up_to = '' WHERE post = ?").bind(post),
    database.prepare("DELETE FROM comments WHERE post = ?").bind(post),
    database.prepare("UPDATE posts SET seq = 0 WHERE id = ?").bind(post),
  ]);
  await env.POSTS.getByName(post).projectAgain();
  return { repaired: true, audit: found };
}
