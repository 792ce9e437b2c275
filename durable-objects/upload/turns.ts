import { within } from "../../schema/d1/deadline.ts";

/** How long, in ms, a request waits for the previous one to stop, which may itself be waiting for R2. */
const HANDED_OVER_WITHIN = 10_000;

/**
 * Mutual exclusion in which the newest request wins: it makes the previous one stop. Otherwise a connection that died
 * silently would lock out its own client, which has already reconnected.
 */
export class Turns {
  #current: { stop: () => void; over: Promise<void> } | undefined;

  /**
   * Runs `work` exclusively; `stop` aborts when it must end. Returns undefined if the previous one did not stop in
   * time.
   */
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
