/** A post's way into its readers' feeds: one message serves one page of followers and hands the rest on. */
import type { FanOut } from "../../schema/facts.ts";
import { setBased } from "../../schema/set-based.ts";
import type { PostId } from "../../schema/ids.ts";
import { byDatabase, databaseOf } from "../../schema/shards.ts";
import { followersOf } from "../reads/follows.ts";

/** Bounds the work of one message, so that a large author costs many small steps and never delays another's readers. */
export const READERS_PER_MESSAGE = 1000;

/**
 * Costs a page one query of the followers, one insert for each database they live in, and one call to the actor, which
 * sends the post again from the start if it hears nothing. Repeating a page changes nothing.
 */
export async function fanOut(env: Env, { post, author, after }: FanOut): Promise<void> {
  if (!after && !(await isProjected(env, post))) return;
  const readers = await followersOf(env, author, after, READERS_PER_MESSAGE);
  await Promise.all(
    [...byDatabase(env, readers, (reader) => reader)].map(([database, group]) =>
      database.batch(
        setBased(
          database,
          INSERT,
          group.map((reader) => [reader, post, author]),
        ),
      ),
    ),
  );
  const last = readers.length === READERS_PER_MESSAGE ? readers.at(-1) : undefined;
  if (last) await env.FAN_OUT.send({ post, author, after: last } satisfies FanOut);
  await env.POSTS.getByName(post).confirmDelivered(last === undefined);
}

/**
 * Throws, for a later try, while the post has no row. Whoever follows from now on finds the post by their backfill, and
 * whoever followed before is among the followers: so nobody falls between the two. False of a post that is gone.
 */
async function isProjected(env: Env, post: PostId): Promise<boolean> {
  const row = await databaseOf(env, post)
    .prepare("SELECT deleted FROM post_stats WHERE post = ?")
    .bind(post)
    .first<{ deleted: number }>();
  if (!row) throw new Error(`${post} is not in D1 yet`);
  return row.deleted === 0;
}

// The join asks the fact, which lives beside the feed: whoever has unfollowed in the meantime gets nothing.
const INSERT = `
  INSERT INTO feed (reader, post, author)
  SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)
  JOIN following ON follower = value ->> 0 AND followee = value ->> 2 AND active = 1
  WHERE true ON CONFLICT DO NOTHING`;
