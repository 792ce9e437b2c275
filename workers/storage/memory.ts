type Entry<V> = { value: V; at: number };

/** A map that keeps the `max` entries written last, since all that an isolate holds must fit into 128 MB. */
export class Memory<K, V> {
  readonly #max: number;
  readonly #entries = new Map<K, Entry<V>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Returns the value and when it was set (ms since 1970), however long ago. */
  get(key: K): Entry<V> | undefined {
    return this.#entries.get(key);
  }

  set(key: K, value: V, at = Date.now()): void {
    this.#entries.delete(key); // A map iterates in insertion order, so the oldest entry stays first.
    this.#entries.set(key, { value, at });
    if (this.#entries.size > this.#max) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
  }

  /** All keys with their values, oldest first. */
  *entries(): Iterable<[K, V]> {
    for (const [key, { value }] of this.#entries) yield [key, value];
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }
}
