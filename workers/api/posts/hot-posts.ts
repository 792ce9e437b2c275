/** Sends a like to its post's actor; while the post is hot, through one of the gates before it. */
import type { LikeAnswer } from "../../../durable-objects/post/post-results.ts";
import { type PersonId, type PostId, shardOf } from "../../../schema/ids.ts";
import { Memory } from "../../storage/memory.ts";

/** How long an isolate believes in the number of gates; then a like goes straight to the actor, which tells it anew. */
const BELIEVED = 2000; // ms
/** Of one isolate. */
const POSTS_MAX = 1000;

/** What isolates have been told of hot posts. Forgetting one costs the actor one call. */
const hot = new Memory<PostId, number>(POSTS_MAX);

/** One call, of the actor or of a gate. A person keeps to one gate, so that gates never change the order of their likes. */
export async function setLike(env: Env, post: PostId, person: PersonId, liked: boolean): Promise<LikeAnswer> {
  const gates = gatesOf(post);
  const answer =
    gates > 0
      ? await env.LIKE_GATES.getByName(`${post} ${shardOf(person) % gates}`).set(post, person, liked)
      : await env.POSTS.getByName(post)[liked ? "like" : "unlike"](person);
  if (answer.ok) learn(post, answer.gates);
  return answer;
}

function gatesOf(post: PostId): number {
  const known = hot.get(post);
  return known && known.at + BELIEVED > Date.now() ? known.value : 0;
}

function learn(post: PostId, gates: number): void {
  if (gates === 0) hot.delete(post);
  else if (gatesOf(post) !== gates) hot.set(post, gates);
}
