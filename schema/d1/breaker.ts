import { LateError } from "./deadline.ts";

/** How long a store that was too slow is not asked at all. */
const SPARED_FOR = 1000; // ms
/** How long the one that tries it keeps others out at most: the runtime may end it with its request, and then it tells nothing. */
const TRIED_FOR = 5000; // ms

/**
 * Spares a store that does not answer in time, and those who would wait for it in vain: they are refused at once. After a
 * while one request tries it, and if that is answered, all may again. (Circuit breaker: Nygard, "Release It!", 2007.)
 */
export class Breaker {
  #sparedUntil = 0;
  #isSuspect = false;

  /** Rejects with what `ask` rejects with, or with a LateError when it is not called. */
  async run<T>(ask: () => Promise<T>): Promise<T> {
    if (!this.#isSuspect) return this.#watched(ask);
    if (Date.now() < this.#sparedUntil) throw new LateError("D1", 0);
    this.#sparedUntil = Date.now() + TRIED_FOR;
    return this.#watched(ask);
  }

  async #watched<T>(ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await ask();
      this.#isSuspect = false;
      return answer;
    } catch (error) {
      this.#isSuspect = error instanceof LateError;
      if (this.#isSuspect) this.#sparedUntil = Date.now() + SPARED_FOR;
      throw error;
    }
  }
}
