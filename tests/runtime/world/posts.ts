/** Makes people and posts for tests of actors and queues. */
import { env } from "cloudflare:workers";
import { type Id, type MediaId, newId, type PersonId, type PostId, randomShard, shardOf } from "../../../schema/ids.ts";
import { d1Of } from "../stores/d1.ts";

const made = new Set<Id>();

/**
 * Returns an id that was never returned before: of ten ids of one shard and millisecond, two collide once in 23 times.
 */
function unusedId<T extends Id>(shard: number): T {
  const id = newId<T>(shard);
  if (made.has(id)) return unusedId(shard);
  made.add(id);
  return id;
}

/** Makes the id of a person, without any row. */
export const newPerson = (): PersonId => unusedId(randomShard());

/** Makes the input of `publish` for a new post, without publishing it. */
export function newPost(author = newPerson()) {
  return {
    id: unusedId<PostId>(shardOf(author)),
    author,
    caption: "Low tide",
    media: [{ id: unusedId<MediaId>(shardOf(author)), width: 1200, height: 800, alt: "Wet sand" }],
  };
}

/** Publishes a post and returns it with its actor. */
export async function publishedPost(author = newPerson()) {
  const post = newPost(author);
  const actor = env.POSTS.getByName(post.id);
  await actor.publish(post);
  return { post, actor };
}

/** The request for the first top-level comments of a post. */
export const oldest = (limit: number) => ({ parent: "", newestFirst: false, after: undefined, limit }) as const;

/** Writes a media row as inspection leaves it, without a file. */
export async function readyMedia(owner: PersonId, on: Env = env): Promise<MediaId> {
  const id = unusedId<MediaId>(shardOf(owner));
  await d1Of(on, id)
    .prepare(
      `INSERT INTO media (id, owner, state, content_type, bytes, width, height, look_at)
       VALUES (?, ?, 'ready', 'image/jpeg', 1000, 1200, 800, ?)`,
    )
    .bind(id, owner, Date.now() + 86_400_000)
    .run();
  return id;
}

/** Writes a follow as the API and its effect leave it: the fact and its mirror. */
export async function writeFollow(follower: PersonId, followee: PersonId, on: Env = env): Promise<void> {
  await d1Of(on, follower)
    .prepare("INSERT INTO following (follower, followee, active, version) VALUES (?, ?, 1, 1)")
    .bind(follower, followee)
    .run();
  await d1Of(on, followee)
    .prepare("INSERT INTO followers (followee, follower_shard, follower, active, version) VALUES (?, ?, ?, 1, 1)")
    .bind(followee, shardOf(follower), follower)
    .run();
}
