import { within } from "../../schema/d1/deadline.ts";

/** How long whoever comes waits for the one before, who may be waiting for R2. In ms. */
const HANDED_OVER_WITHIN = 10_000;

/**
 * One at a time, and the newest first: who comes makes the one before stop. A connection that has died without a word would
 * otherwise keep out its own client, who is back already.
 */
export class Turns {
  #current: { stop: () => void; over: Promise<void> } | undefined;

  /** Runs `work` alone. It is told when to stop. Undefined when the one before did not stop in time. */
  async take<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const deadline = Date.now() + HANDED_OVER_WITHIN;
    while (this.#current) {
      this.#current.stop();
      const isOver = this.#current.over.then(() => true);
      if (!(await within(deadline - Date.now(), isOver, "the request before").catch(() => false))) return undefined;
    }
    const stopping = new AbortController();
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    this.#current = { stop: () => stopping.abort(), over };
    try {
      return await work(stopping.signal);
    } finally {
      this.#current = undefined;
      end();
    }
  }
}
