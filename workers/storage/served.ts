/** Which stores have answered a request, how often, and how long it waited for them. */
type Store = "memory" | "cache" | "kv" | "d1" | "actor";

export class Served {
  readonly #stores = new Map<Store, { times: number; duration: number }>();
  /** Whether something is older than it should be, because the store that knows better has failed. */
  isStale = false;

  by(store: Store, duration = 0): void {
    const before = this.#stores.get(store) ?? { times: 0, duration: 0 };
    this.#stores.set(store, { times: before.times + 1, duration: before.duration + duration });
  }

  async timed<T>(store: Store, ask: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await ask();
    } finally {
      this.by(store, performance.now() - started);
    }
  }

  /** As of https://www.w3.org/TR/server-timing/: milliseconds, and how many questions they took. */
  get timing(): string | undefined {
    const metrics = [...this.#stores].map(
      ([store, { times, duration }]) => `${store};dur=${Math.round(duration)};desc="${times}"`,
    );
    return metrics.length > 0 ? metrics.join(", ") : undefined;
  }
}
