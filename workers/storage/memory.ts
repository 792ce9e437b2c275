type Entry<V> = { value: V; at: number };

/** What an isolate remembers, the newest of it: a bound on its 128 MB. */
export class Memory<K, V> {
  readonly #max: number;
  readonly #entries = new Map<K, Entry<V>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** What is remembered, and since when (ms since 1970), however long ago. */
  get(key: K): Entry<V> | undefined {
    return this.#entries.get(key);
  }

  set(key: K, value: V, at = Date.now()): void {
    this.#entries.delete(key); // So that the oldest stand first.
    this.#entries.set(key, { value, at });
    if (this.#entries.size > this.#max) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }
}
