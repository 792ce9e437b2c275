import { sql } from "drizzle-orm";
import { databaseOf } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { posts } from "../../schema/tables/posts.ts";
import { dropPost } from "../reads/stored-posts.ts";
import { postStatements } from "../projector/post-rows.ts";
import { sendEffect } from "../storage/effects.ts";
import { leaveInboxes } from "./inboxes.ts";

const POSTS_PER_PAGE = 20;
const NO_TRACES = { written: [], liked: [] };

/**
 * Deletes one page of the posts of a closed account, as their author would, and returns whether there may be more. Costs
 * two actor calls and one batch a post, and an effect that erases its comments.
 */
export async function eraseOwnPosts(env: Env, person: PersonId): Promise<boolean> {
  const page = await databaseOf(env, person).patient.all<{ id: PostId }>(OWN, person, POSTS_PER_PAGE);
  await Promise.all(page.map(({ id }) => erasePost(env, person, id)));
  return page.length > 0;
}

const OWN = textOf(sql`SELECT ${posts.id} FROM ${posts} WHERE ${posts.author} = ?1 LIMIT ?2`);

async function erasePost(env: Env, person: PersonId, post: PostId): Promise<void> {
  const actor = env.POSTS.getByName(post);
  await leaveInboxes(env, person, await actor.peopleTold(person, NO_TRACES));
  const removed = await actor.remove(person, { forAccount: true });
  const database = databaseOf(env, post).patient;
  // The actor has forgotten whose post it was: an earlier run ended here, and the outbox tells D1 the rest.
  if (!removed.ok) await database.run(DELETE, post);
  else {
    const { standing, body } = removed;
    const update = { post, author: person, from: 0, to: 0, confirmed: 0, standing };
    const { statements, effects } = postStatements([{ ...update, body: { ...body, seq: standing.bodySeq } }]);
    await database.batch(statements);
    await Promise.all(effects.map((effect) => sendEffect(env, effect)));
  }
  dropPost(post);
}

const DELETE = textOf(sql`DELETE FROM ${posts} WHERE ${posts.id} = ?1`);
