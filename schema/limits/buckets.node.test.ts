import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Buckets, type Charge } from "./buckets.ts";
import type { Figures } from "./limits.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const START = Date.now();

/** A bucket as its definition has it: it holds a number of units, and units flow in until it is full. In units * DAY. */
class Tank {
  #units: number;
  #at = START;
  readonly #capacity: number;
  readonly #perMs: number;

  constructor(capacity: number, perMs: number) {
    [this.#capacity, this.#perMs] = [capacity, perMs];
    this.#units = capacity;
  }

  at(now: number): number {
    this.#units = Math.min(this.#capacity, this.#units + (now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#units;
  }

  take(cost: number): void {
    this.#units -= cost;
  }
}

/** Figures whose rates divide a minute and a day, so that the model needs no fractions. */
const anyFigures = fc.record({
  burst: fc.constantFrom(1, 2, 5, 30),
  perMinute: fc.constantFrom(1, 2, 6, 60),
  perDay: fc.constantFrom(1, 10, 50, 1440),
});
const anySteps = fc.array(
  fc.record({
    // Often the very moment at which something flows in, or one millisecond before or after it.
    wait: fc.oneof(
      fc.constantFrom(0, 1, 999, 1000, 1001, 10_000, MINUTE - 1, MINUTE, MINUTE + 1),
      fc.integer({ min: 0, max: DAY }),
    ),
    charges: fc.array(fc.record({ name: fc.constantFrom("a", "b"), cost: fc.constantFrom(1, 1, 1, 2, 5) }), {
      minLength: 1,
      maxLength: 2,
    }),
    isEvicted: fc.boolean(),
  }),
  { maxLength: 120 },
);

describe("a bucket", () => {
  it("allows exactly what flows in, for any times, charges and evictions", () => {
    fc.assert(
      fc.property(anyFigures, anyFigures, anySteps, (a, b, steps) => {
        const figures: Record<string, Figures> = { a, b };
        const tanks = new Map(
          Object.entries(figures).map(([name, { burst, perMinute, perDay }]) => [
            name,
            [new Tank(burst, perMinute / MINUTE), new Tank(perDay, perDay / DAY)] as const,
          ]),
        );
        let buckets = new Buckets(100);
        let now = START;
        for (const { wait, charges, isEvicted } of steps) {
          now += wait;
          if (isEvicted) buckets = restored(buckets);
          const unique = [...new Map(charges.map((charge) => [charge.name, charge])).values()].map(
            ({ name, cost }): Charge => {
              const own = figures[name] ?? a;
              return { name, figures: own, cost: Math.min(cost, own.burst, own.perDay) };
            },
          );
          // The model is off by fractions of a unit, the buckets by fractions of a millisecond.
          const short = unique.map(({ name, cost }) =>
            Math.max(...(tanks.get(name) ?? []).map((tank) => cost - tank.at(now))),
          );
          const { allowed, wait: until } = buckets.charge(unique, now);
          if (Math.max(...short) > 1e-3) expect(allowed).toBe(false);
          if (Math.max(...short) < 1e-9) expect(allowed).toBe(true);
          if (allowed) for (const { name, cost } of unique) tanks.get(name)?.forEach((tank) => tank.take(cost));
          else expect(restored(buckets).charge(unique, now + Math.ceil(until)).allowed).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  const figures: Figures = { burst: 10, perMinute: 6, perDay: 100 };
  const one = (name = "a", cost = 1): Charge[] => [{ name, figures, cost }];

  it("makes all charges or none", () => {
    const buckets = new Buckets(10);
    for (let n = 0; n < 10; n += 1) expect(buckets.charge(one("a"), START).allowed).toBe(true);
    const both = [...one("b"), ...one("a")];
    expect(buckets.charge(both, START)).toMatchObject({ allowed: false, refused: "a", wait: 10_000 });
    expect(buckets.charge(one("b"), START).left[0]?.burst.remaining).toBe(9);
  });

  it("gives back what a negative charge returns, and no more than it holds", () => {
    const buckets = new Buckets(10);
    for (let n = 0; n < 10; n += 1) buckets.charge(one(), START);
    expect(buckets.charge(one("a", -1), START).left[0]?.burst.remaining).toBe(1);
    for (let n = 0; n < 20; n += 1) buckets.charge(one("a", -1), START);
    expect(buckets.charge(one(), START).left[0]?.burst.remaining).toBe(9);
  });

  it("does not stay empty when the clock is set back", () => {
    const buckets = new Buckets(10);
    for (let n = 0; n < 10; n += 1) buckets.charge(one(), START);
    expect(buckets.charge(one(), START - DAY).wait).toBeLessThanOrEqual(DAY / 100);
  });

  it("forgets the fullest when there are too many", () => {
    const buckets = new Buckets(3);
    for (const [name, cost] of [
      ["a", 9],
      ["b", 1],
      ["c", 5],
      ["d", 7],
    ] as const)
      buckets.charge(one(name, cost), START);
    expect(["a", "b", "c", "d"].map((name) => buckets.get(name) !== undefined)).toEqual([true, false, true, true]);
  });
});

function restored(buckets: Buckets): Buckets {
  const other = new Buckets(100);
  for (const name of ["a", "b"]) {
    const fullAt = buckets.get(name);
    if (fullAt) other.restore(name, fullAt);
  }
  return other;
}
