/** Finds projections that differ from their actors, which must never happen, and has them written again. */
import { asc, gte, sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import type { Audit } from "../../schema/api/audit.ts";
import { newId, type PostId } from "../../schema/ids.ts";
import { databaseOf, databases, isHomeOf } from "../../schema/d1/shards.ts";
import { bare, textOf } from "../../schema/d1/sql.ts";
import { comments, likeDigests, likes, posts, postStats } from "../../schema/tables/posts.ts";
import { logError } from "../../schema/log.ts";
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
    const sample = await database.patient.orm
      .select({ id: posts.id })
      .from(posts)
      .where(gte(posts.id, from))
      .orderBy(asc(posts.id))
      .limit(SAMPLE);
    const own = sample.filter(({ id }) => isHomeOf(env, database, id));
    for (const { id } of own) repaired += Number((await reconcile(env, id)).repaired);
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
  logError("projection differs from its actor, rewriting it", { post, ...found });
  for (const database of databases(env)) {
    await database.patient.batch([statement(DELETE_LIKES, post), statement(DELETE_DIGESTS, post)]);
  }
  // Deletes the rows that the actor might not know of, since nothing would overwrite them. The other rows stay visible,
  // but their versions are reset, so that anything overwrites them.
  const database = databaseOf(env, post);
  await database.patient.batch([
    statement(RESET_STANDING, post),
    statement(DELETE_COMMENTS, post),
    statement(RESET_BODY, post),
  ]);
  await env.POSTS.getByName(post).projectAgain();
  return { repaired: true, audit: found };
}

const DELETE_LIKES = textOf(sql`DELETE FROM ${likes} WHERE ${likes.post} = ?1`);
const DELETE_DIGESTS = textOf(sql`DELETE FROM ${likeDigests} WHERE ${likeDigests.post} = ?1`);
const DELETE_COMMENTS = textOf(sql`DELETE FROM ${comments} WHERE ${comments.post} = ?1`);
const RESET_BODY = textOf(sql`UPDATE ${posts} SET ${bare(posts.seq)} = 0 WHERE ${posts.id} = ?1`);
const RESET_STANDING = textOf(sql`
  UPDATE ${postStats}
  SET ${bare(postStats.seq)} = 0, ${bare(postStats.projected)} = 0, ${bare(postStats.noticed)} = 0,
    ${bare(postStats.commentsUpTo)} = ''
  WHERE ${postStats.post} = ?1`);
