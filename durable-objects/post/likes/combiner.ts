type Waiting<Item, Result> = { item: Item; resolve: (result: Result) => void; reject: (reason: unknown) => void };

/**
 * Does what many ask for together: while one batch is under way, the next one gathers. So whoever comes alone is served
 * at once, and under load a batch grows to what arrives in the time that one takes. (Group commit: DeWitt et al.,
 * "Implementation Techniques for Main Memory Database Systems", SIGMOD 1984.)
 */
export class Combiner<Item, Result> {
  readonly #run: (items: Item[]) => Promise<Result[]>;
  readonly #max: number;
  #waiting: Waiting<Item, Result>[] = [];
  #isRunning = false;

  /** `run` gives a result for each item, in their order; when it throws, all of its items fail. */
  constructor(run: (items: Item[]) => Promise<Result[]>, max: number) {
    this.#run = run;
    this.#max = max;
  }

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
