/** Erases a deleted post from D1 and R2, once its actor has said that it is gone. */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PostBody } from "../../schema/posts.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { list, textOf } from "../../schema/d1/sql.ts";
import { comments, posts, postStats } from "../../schema/tables/posts.ts";
import { deleteEffect, newEffect, saveEffectIf } from "../storage/effects.ts";
import { withdrawalOf } from "../feeds/withdraw.ts";
import { deleteUnused } from "../media/collect.ts";

/** The number of comments that one statement deletes. Bounds how long it runs. */
const COMMENTS_PER_STATEMENT = 1000;

/**
 * Returns the statements that delete the post's row and save two effects. One erases the rest, and is saved only when D1
 * first learns of the deletion, whether or not it had the post. The other takes the post out of feeds.
 */
export function endOf(
  post: PostId,
  author: PersonId,
  { media }: Pick<PostBody, "media">,
): { statements: Statement[]; effects: Effect[] } {
  const effect = newEffect(post, { kind: "erase", post, author, media: media.map(({ id }) => id) });
  const withdrawal = withdrawalOf(post, author);
  return {
    statements: [saveEffectIf(effect, IS_NEWS, [post]), withdrawal.statement, statement(DELETE_POST, post)],
    effects: [effect, withdrawal.effect],
  };
}

const IS_NEWS = textOf(sql`
  NOT EXISTS (SELECT 1 FROM ${postStats} WHERE ${postStats.post} = ?4 AND ${postStats.deleted} = 1)`);
const DELETE_POST = textOf(sql`DELETE FROM ${posts} WHERE ${posts.id} = ?1`);

/**
 * Erases the comments, and the files that no other post of the author shows. Likes stay in the databases of the people
 * who liked it, as they do after an unlike: they hold only the id of a post that no longer exists. May run again at any
 * time.
 */
export async function erase(env: Env, effect: Extract<Effect, { kind: "erase" }>): Promise<void> {
  const { id, post, author, media } = effect;
  await eraseComments(env, post);
  await deleteUnused(env, author, media, { states: ["ready", "deleted"], despite: post });
  await deleteEffect(env, id);
}

async function eraseComments(env: Env, post: PostId): Promise<void> {
  const database = databaseOf(env, post).patient;
  while ((await database.run(ERASE_COMMENTS, post, COMMENTS_PER_STATEMENT)) > 0);
}

const KEY = list(comments.parent, comments.id);
const ERASE_COMMENTS = textOf(sql`
  DELETE FROM ${comments} WHERE ${comments.post} = ?1 AND (${KEY}) IN
    (SELECT ${KEY} FROM ${comments} WHERE ${comments.post} = ?1 LIMIT ?2)`);
