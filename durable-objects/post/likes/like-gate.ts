import { DurableObject } from "cloudflare:workers";
import type { PersonId, PostId } from "../../../schema/ids.ts";
import { Combiner } from "./combiner.ts";
import type { LikeResult, LikeCommand } from "../post-results.ts";

/** The most likes in one call. */
const LIKES_PER_CALL = 100;

/**
 * One of several gates in front of a hot post's actor. It forwards likes in batches: a combining tree of two levels. It
 * stores nothing, so it loses nothing: a like is acknowledged when the post's actor has committed it. It never retries
 * a call that fails and may or may not have been committed, but reports the failure to its callers. Only the person's
 * own client may repeat a like, because they may have taken it back in the meantime.
 */
export class LikeGate extends DurableObject<Env> {
  #post: PostId | undefined;
  readonly #calls = new Combiner((commands: LikeCommand[]) => this.#call(commands), LIKES_PER_CALL);

  /** Does what PostActor.like or unlike does. A gate serves one post, which is part of its name. */
  set(post: PostId, person: PersonId, liked: boolean): Promise<LikeResult> {
    this.#post = post;
    return this.#calls.add({ person, liked });
  }

  async #call(commands: LikeCommand[]): Promise<LikeResult[]> {
    if (!this.#post) throw new Error("a gate without a post");
    return this.env.POSTS.getByName(this.#post).setLikes(commands);
  }
}
