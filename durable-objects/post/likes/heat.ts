/** A Durable Object takes about 1,000 requests a second; from about a third of that on, likes go through gates. */
const HOT_FROM = 300; // likes a second
/** In likes a second; well below HOT_FROM, so that a post does not flap between hot and cold. */
const HOT_UNTIL = 100;
/** The likes a second that one gate takes. */
const LIKES_PER_GATE = 300;
const GATES_MAX = 64;
/** Likes are counted over this many milliseconds. */
const SPAN = 1000;

/** Measures a post's like rate and the number of gates it needs. Not stored: an object that wakes up starts cold. */
export class Heat {
  #since = 0;
  #likes = 0;
  #gates = 0;

  /** Counts one like and returns the number of gates; 0 while likes can go directly to the actor. */
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
