/** A Durable Object takes about 1,000 requests a second; from a third of that on, gates come before it. */
const HOT_FROM = 300; // likes a second
/** Well below, so that a post does not go to and fro. */
const HOT_UNTIL = 100;
/** What one gate takes. */
const LIKES_PER_GATE = 300;
const GATES_MAX = 64;
/** Likes are counted over this many milliseconds. */
const SPAN = 1000;

/** How many likes come in a second, and how many gates that takes. Forgotten when the object sleeps: it is cold then. */
export class Heat {
  #since = 0;
  #likes = 0;
  #gates = 0;

  /** Counts one like. Answers 0 while the actor takes them alone. */
  gatesAfterLike(now = Date.now()): number {
    this.#likes += 1;
    const elapsed = now - this.#since;
    if (elapsed >= SPAN) {
      const rate = (this.#likes * 1000) / elapsed;
      const isHot = rate >= (this.#gates > 0 ? HOT_UNTIL : HOT_FROM);
      this.#gates = isHot ? Math.min(Math.ceil(rate / LIKES_PER_GATE), GATES_MAX) : 0;
      this.#since = now;
      this.#likes = 0;
    }
    return this.#gates;
  }
}
