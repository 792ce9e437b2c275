type Store = "memory" | "cache" | "kv" | "d1" | "actor";

/** Records which stores served a request, how often, and how long the request waited for them. */
export class Served {
  readonly #stores = new Map<Store, { times: number; duration: number }>();
  /** Whether part of the response is older than it should be, because the store that has a newer version failed. */
  isStale = false;

  /** Counts one call to `store` that took `duration` ms. */
  by(store: Store, duration = 0): void {
    const before = this.#stores.get(store) ?? { times: 0, duration: 0 };
    this.#stores.set(store, { times: before.times + 1, duration: before.duration + duration });
  }

  /** Runs `call` and counts it with its duration, also when it fails. */
  async timed<T>(store: Store, call: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await call();
    } finally {
      this.by(store, performance.now() - started);
    }
  }

  /**
   * The `Server-Timing` value (https://www.w3.org/TR/server-timing/): milliseconds per store and the number of calls.
   */
  get timing(): string | undefined {
    const metrics = [...this.#stores].map(
      ([store, { times, duration }]) => `${store};dur=${Math.round(duration)};desc="${times}"`,
    );
    return metrics.length > 0 ? metrics.join(", ") : undefined;
  }
}
