type Waiting<Item, Result> = { item: Item; resolve: (result: Result) => void; reject: (reason: unknown) => void };

/**
 * Runs items in batches: while one batch is under way, the next one gathers. A lone item runs at once, and under load a
 * batch grows to the number of items that arrive while one batch runs. (Group commit: DeWitt et al., "Implementation
 * Techniques for Main Memory Database Systems", SIGMOD 1984.)
 */
export class Combiner<Item, Result> {
  readonly #run: (items: Item[]) => Promise<Result[]>;
  readonly #max: number;
  #waiting: Waiting<Item, Result>[] = [];
  #isRunning = false;

  /** `run` returns one result for each item, in the same order. When it throws, all items of the batch fail. */
  constructor(run: (items: Item[]) => Promise<Result[]>, max: number) {
    this.#run = run;
    this.#max = max;
  }

  /** Queues an item for the next batch of at most `max` items. Resolves with its result. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isRunning) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#max);
      try {
        const results = await this.#run(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
  }
}
