/** Pairs of people and things, such as posts to like: each pair only once, because a like that is repeated is none. */
import { randomOf } from "../../tests/product/harness/random.ts";

const SEED = 200;

export class FreshPairs<Person, Thing> {
  readonly #orders: { person: Person; things: Thing[] }[];
  #used = 0;

  /** Each person goes through the things in an order of their own, so that they spread over all of them. */
  constructor(people: readonly Person[], things: readonly Thing[]) {
    const random = randomOf(SEED);
    this.#orders = people.map((person) => ({ person, things: shuffled(things, random) }));
  }

  /** Returns the next `count` things of each person. Throws when they have had all. */
  take(count: number): { person: Person; things: Thing[] }[] {
    const from = this.#used;
    this.#used += count;
    return this.#orders.map(({ person, things }) => {
      if (things.length < this.#used) throw new Error("there are no more fresh pairs");
      return { person, things: things.slice(from, this.#used) };
    });
  }
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
