import { DurableObject } from "cloudflare:workers";
import type { PersonId, PostId } from "../../../schema/ids.ts";
import { Combiner } from "./combiner.ts";
import type { LikeAnswer, LikeCommand } from "../post-results.ts";

/** The most likes of one call. */
const LIKES_PER_CALL = 100;

/**
 * Stands before the actor of a post that is hot, one of several, and hands likes on together: a combining tree of two
 * levels. It keeps nothing, so it loses nothing: a like is acknowledged when the post's actor has committed it. It never
 * sends anything twice either. A call that fails may have been done or not, and its callers are told just that; repeating
 * a like is harmless, but only for the person who wants it: in the meantime they may have taken it back.
 */
export class LikeGate extends DurableObject<Env> {
  #post: PostId | undefined;
  readonly #calls = new Combiner((commands: LikeCommand[]) => this.#call(commands), LIKES_PER_CALL);

  /** As PostActor.like or unlike. A gate serves one post; its name says which. */
  set(post: PostId, person: PersonId, liked: boolean): Promise<LikeAnswer> {
    this.#post = post;
    return this.#calls.add({ person, liked });
  }

  async #call(commands: LikeCommand[]): Promise<LikeAnswer[]> {
    if (!this.#post) throw new Error("a gate without a post");
    return this.env.POSTS.getByName(this.#post).setLikes(commands);
  }
}
