/** Erases a deleted post from D1 and R2, once its actor has said that it is gone. */
import type { Effect, PostBody } from "../../schema/messages/facts.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { effectDone, newEffect, saveEffectIf } from "../storage/effects.ts";
import { takeAway } from "../media/collect.ts";
import { postDocuments } from "../reads/documents.ts";

/** The number of comments that one statement deletes. Bounds how long it runs. */
const COMMENTS_PER_STATEMENT = 1000;

/**
 * Returns the statements that delete the post's row and save the effect that erases the rest. The effect is saved only
 * when D1 first learns of the deletion, whether or not it had the post.
 */
export function endOf(
  env: Env,
  database: D1Database,
  post: PostId,
  author: PersonId,
  { media }: Pick<PostBody, "media">,
): { statements: D1PreparedStatement[]; effect: Effect } {
  const effect = newEffect(post, { kind: "erase", post, author, media: media.map(({ id }) => id) });
  return {
    statements: [
      saveEffectIf(env, effect, "NOT EXISTS (SELECT 1 FROM post_stats WHERE post = ?4 AND deleted = 1)", [post]),
      database.prepare("DELETE FROM posts WHERE id = ?").bind(post),
    ],
    effect,
  };
}

/**
 * Erases the comments, and the files that no other post of the author shows. Likes stay in the databases of the people
 * who liked it, as they do after an unlike: they hold only the id of a post that no longer exists. May run again at any
 * time.
 */
export async function erase(env: Env, effect: Extract<Effect, { kind: "erase" }>): Promise<void> {
  const { id, post, author, media } = effect;
  await postDocuments.forget(env, post);
  await eraseComments(env, post);
  await takeAway(env, author, media, { states: ["ready", "deleted"], despite: post });
  await effectDone(env, id);
}

async function eraseComments(env: Env, post: PostId): Promise<void> {
  const statement = databaseOf(env, post)
    .prepare(
      `DELETE FROM comments WHERE post = ?1 AND (parent, id) IN
         (SELECT parent, id FROM comments WHERE post = ?1 LIMIT ?2)`,
    )
    .bind(post, COMMENTS_PER_STATEMENT);
  while ((await statement.run()).meta.changes > 0);
}
