import { LateError } from "./deadline.ts";

/** How long a store that was too slow gets no calls at all. */
const SPARED_FOR = 1000; // ms
/**
 * How long a trial call keeps other calls out. The runtime may cancel it with its request, and then it never settles.
 */
const TRIED_FOR = 5000; // ms

/**
 * A circuit breaker (Nygard, "Release It!", 2007). After a call that timed out, it rejects calls at once, which spares
 * the store and the requests that would wait in vain. Later one call tries the store, and once that succeeds, all calls
 * pass.
 */
export class Breaker {
  #sparedUntil = 0;
  #isSuspect = false;

  /** Settles like `ask`, or rejects with a `LateError` without calling it. */
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
