/** The end of a post: what is left of it in D1 and R2 goes when its actor has said that it is gone. */
import type { Effect, PostBody } from "../../schema/messages/facts.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { effectDone, newEffect, saveEffectIf } from "../storage/effects.ts";
import { takeAway } from "../media/collect.ts";
import { postDocuments } from "../reads/documents.ts";

/** Comments that one statement deletes: a bound on how long it takes. */
const COMMENTS_PER_STATEMENT = 1000;

/**
 * Deletes the post's row, and saves the effect that erases the rest: once, when D1 first hears of the end, whether or not
 * it had heard of the post.
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
 * Erases the comments, and the pictures that no other post of the author shows. Likes stay as rows of their people, as
 * they do after an unlike: they say nothing but an id that leads nowhere. May run again at any time.
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
