import { LateError } from "./deadline.ts";

/** How long a store that timed out gets no calls at all. */
const SPARED_FOR = 1000; // ms
/**
 * How long a trial call keeps others out at most: the runtime may end it together with its request, without a result.
 */
const TRIED_FOR = 5000; // ms

/**
 * A circuit breaker (Nygard, "Release It!", 2007): after a call that timed out, calls fail at once, which spares the
 * store and the requests that would wait in vain. After a while one trial call goes through, and if it succeeds, all
 * calls do.
 */
export class Breaker {
  #sparedUntil = 0;
  #isSuspect = false;

  /** Runs `call` and rejects as it does, or rejects with a LateError without running it. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (!this.#isSuspect) return this.#watched(call);
    if (Date.now() < this.#sparedUntil) throw new LateError("D1", 0);
    this.#sparedUntil = Date.now() + TRIED_FOR;
    return this.#watched(call);
  }

  async #watched<T>(call: () => Promise<T>): Promise<T> {
    try {
      const result = await call();
      this.#isSuspect = false;
      return result;
    } catch (error) {
      this.#isSuspect = error instanceof LateError;
      if (this.#isSuspect) this.#sparedUntil = Date.now() + SPARED_FOR;
      throw error;
    }
  }
}
