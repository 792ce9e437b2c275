/** Erases a deleted post from D1 and R2, once its actor has said that it is gone. */
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PostBody } from "../../schema/posts.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { deleteEffect, newEffect, saveEffectIf } from "../storage/effects.ts";
import { deleteUnused } from "../media/collect.ts";
import { postDocuments } from "../reads/documents.ts";

/** The number of comments that one statement deletes. Bounds how long it runs. */
const COMMENTS_PER_STATEMENT = 1000;

/**
 * Returns the statements that delete the post's row and save the effect that erases the rest. The effect is saved only
 * when D1 first learns of the deletion, whether or not it had the post.
 */
export function endOf(
  post: PostId,
  author: PersonId,
  { media }: Pick<PostBody, "media">,
): { statements: Statement[]; effect: Effect } {
  const effect = newEffect(post, { kind: "erase", post, author, media: media.map(({ id }) => id) });
  return {
    statements: [
      saveEffectIf(effect, "NOT EXISTS (SELECT 1 FROM post_stats WHERE post = ?4 AND deleted = 1)", [post]),
      statement("DELETE FROM posts WHERE id = ?", post),
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
  await deleteUnused(env, author, media, { states: ["ready", "deleted"], despite: post });
  await deleteEffect(env, id);
}

async function eraseComments(env: Env, post: PostId): Promise<void> {
  const database = databaseOf(env, post).patient;
  while ((await database.run(ERASE_COMMENTS, post, COMMENTS_PER_STATEMENT)) > 0);
}

const ERASE_COMMENTS = `
  DELETE FROM comments WHERE post = ?1 AND (parent, id) IN
    (SELECT parent, id FROM comments WHERE post = ?1 LIMIT ?2)`;
