/** Sends a like to its post's actor, or, while the post is hot, to one of the gates in front of it. */
import type { LikeResult } from "../../../durable-objects/post/post-results.ts";
import { type PersonId, type PostId, shardOf } from "../../../schema/ids.ts";
import { Memory } from "../../storage/memory.ts";

/** How long an isolate trusts the number of gates; then a like goes straight to the actor, which reports it again. */
const TRUSTED_FOR = 2000; // ms
/** How many hot posts one isolate remembers. */
const POSTS_MAX = 1000;

/** The number of gates of each hot post. Forgetting one costs its actor one call. */
const hot = new Memory<PostId, number>(POSTS_MAX);

/**
 * Likes or unlikes a post. Costs one call, of the actor or of a gate. A person always uses the same gate, so that gates
 * never reorder their likes.
 */
export async function setLike(env: Env, post: PostId, person: PersonId, liked: boolean): Promise<LikeResult> {
  const gates = gatesOf(post);
  const result =
    gates > 0
      ? await env.LIKE_GATES.getByName(`${post} ${shardOf(person) % gates}`).set(post, person, liked)
      : await env.POSTS.getByName(post)[liked ? "like" : "unlike"](person, { takes: true });
  if (result.ok) rememberGates(post, result.gates);
  return result;
}

function gatesOf(post: PostId): number {
  const known = hot.get(post);
  return known && known.at + TRUSTED_FOR > Date.now() ? known.value : 0;
}

function rememberGates(post: PostId, gates: number): void {
  if (gates === 0) hot.delete(post);
  else if (gatesOf(post) !== gates) hot.set(post, gates);
}
