import { LateError } from "../../schema/deadline.ts";

/** How long after it was too slow a store is asked by one request only. */
const SPARED_FOR = 1000; // ms

/**
 * Spares a store that does not answer in time, and those who would wait for it in vain: while it is spared, one request
 * tries it, and the others are refused at once. (Circuit breaker: Nygard, "Release It!", 2007.)
 */
export class Breaker {
  #sparedUntil = 0;
  #isTried = false;

  async run<T>(ask: () => Promise<T>): Promise<T> {
    if (Date.now() >= this.#sparedUntil) return this.#watched(ask);
    if (this.#isTried) throw new LateError("D1", 0);
    this.#isTried = true;
    try {
      const answer = await this.#watched(ask);
      this.#sparedUntil = 0;
      return answer;
    } finally {
      this.#isTried = false;
    }
  }

  async #watched<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof LateError) this.#sparedUntil = Date.now() + SPARED_FOR;
      throw error;
    }
  }
}
