import type { Stats } from "../../durable-objects/post-actor.ts";
import type { PostBody } from "../../schema/facts.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import { postStatements } from "../projector/projector.ts";

/**
 * Publishes through a new post actor, whose commit is the fact. The rows in D1 are written in the same request so that the
 * author sees the post at once; if that fails the projector writes them a moment later.
 */
export async function publish(env: Env, author: PersonId, body: PostBody): Promise<{ id: PostId; stats: Stats }> {
  for (;;) {
    const id = newId<PostId>(shardOf(author));
    const stats = await env.POSTS.getByName(id).publish({ id, author, ...body });
    if (!stats) continue; // The id is taken: one in a thousand for two posts in one millisecond and shard.
    await projectAtOnce(env, id, author, body, stats);
    return { id, stats };
  }
}

async function projectAtOnce(env: Env, post: PostId, author: PersonId, body: PostBody, stats: Stats): Promise<void> {
  try {
    const database = databaseOf(env, post);
    await database.batch(postStatements(database, [{ post, author, body: { ...body, seq: stats.seq }, stats }]));
  } catch (error) {
    console.warn("post not in D1 yet, the projector will write it", { post, error: String(error) });
  }
}
