import { expect, it } from "vitest";
import { Combiner } from "./combiner.ts";

/** A combiner whose batches end when the test ends them. */
function controlled(max: number) {
  const batches: { items: number[]; end: (error?: Error) => void }[] = [];
  const combiner = new Combiner(
    (items: number[]) =>
      new Promise<string[]>((resolve, reject) => {
        const end = (error?: Error) => (error ? reject(error) : resolve(items.map((item) => `done ${item}`)));
        batches.push({ items, end });
      }),
    max,
  );
  return { combiner, batches };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

it("runs a lone item at once, and gathers the next batch while one is under way", async () => {
  const { combiner, batches } = controlled(100);
  const results = [1, 2, 3].map((item) => combiner.add(item));
  expect(batches.map(({ items }) => items)).toEqual([[1]]);
  await settled();
  expect(batches).toHaveLength(1); // One at a time.

  batches[0]?.end();
  await settled();
  results.push(combiner.add(4));
  expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  batches[1]?.end();
  await settled();
  batches[2]?.end();
  expect(await Promise.all(results)).toEqual(["done 1", "done 2", "done 3", "done 4"]);
  expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3], [4]]);
});

it("keeps batches within the limit and items in order", async () => {
  const { combiner, batches } = controlled(3);
  const results = Array.from({ length: 8 }, (_, item) => combiner.add(item));
  for (let batch = 0; batch < 4; batch += 1) {
    batches[batch]?.end();
    await settled();
  }
  expect(batches.map(({ items }) => items)).toEqual([[0], [1, 2, 3], [4, 5, 6], [7]]);
  expect(await Promise.all(results)).toEqual(Array.from({ length: 8 }, (_, item) => `done ${item}`));
});

it("rejects only the items of the batch that failed", async () => {
  const { combiner, batches } = controlled(2);
  const results = [1, 2, 3, 4].map((item) => combiner.add(item));
  const outcomes = Promise.allSettled(results);
  batches[0]?.end();
  await settled();
  batches[1]?.end(new Error("the second batch"));
  await settled();
  batches[2]?.end();
  expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  const next = combiner.add(5);
  batches[3]?.end();
  expect(await next).toBe("done 5");
});

it("rejects the items and goes on when `run` throws synchronously", async () => {
  let isBroken = true;
  const combiner = new Combiner((items: number[]) => {
    if (isBroken) throw new Error("broken");
    return Promise.resolve(items);
  }, 10);
  await expect(combiner.add(1)).rejects.toThrow("broken");
  isBroken = false;
  expect(await combiner.add(2)).toBe(2);
});
