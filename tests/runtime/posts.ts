/** Makes the people and posts that tests of actors and queues begin with. */
import { env } from "cloudflare:workers";
import { type MediaId, newId, type PersonId, type PostId, randomShard, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";

const made = new Set<PersonId>();

/** Never the same twice: among a thousand of one millisecond, two ids may well be the same. */
export function newPerson(): PersonId {
  const id = newId<PersonId>(randomShard());
  if (made.has(id)) return newPerson();
  made.add(id);
  return id;
}

export function newPost(author = newPerson()) {
  return {
    id: newId<PostId>(shardOf(author)),
    author,
    caption: "Low tide",
    media: [{ id: newId<MediaId>(shardOf(author)), width: 1200, height: 800, alt: "Wet sand" }],
  };
}

/** A published post's actor. */
export async function publishedPost(author = newPerson()) {
  const post = newPost(author);
  const actor = env.POSTS.getByName(post.id);
  await actor.publish(post);
  return { post, actor };
}

/** The first comments on a post itself. */
export const oldest = (limit: number) => ({ parent: "", newestFirst: false, after: undefined, limit }) as const;

/** A media row as inspection leaves it, without a file. */
export async function readyMedia(owner: PersonId): Promise<MediaId> {
  const id = newId<MediaId>(shardOf(owner));
  await databaseOf(env, id)
    .prepare(
      `INSERT INTO media (id, owner, state, content_type, bytes, width, height)
       VALUES (?, ?, 'ready', 'image/jpeg', 1000, 1200, 800)`,
    )
    .bind(id, owner)
    .run();
  return id;
}

/** Follows as the API and its effect leave it: the fact and its mirror. */
export async function follows(follower: PersonId, followee: PersonId): Promise<void> {
  await databaseOf(env, follower)
    .prepare("INSERT INTO following (follower, followee, active, version) VALUES (?, ?, 1, 1)")
    .bind(follower, followee)
    .run();
  await databaseOf(env, followee)
    .prepare("INSERT INTO followers (followee, follower_shard, follower, active, version) VALUES (?, ?, ?, 1, 1)")
    .bind(followee, shardOf(follower), follower)
    .run();
}
