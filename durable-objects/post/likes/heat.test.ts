import { expect, it } from "vitest";
import { Heat } from "./heat.ts";

/** Counts likes at a steady rate a second, for some seconds. Returns the number of gates at the end of each second. */
function likes(heat: Heat, from: number, rate: number, seconds: number): number[] {
  return Array.from({ length: seconds }, (_, second) => {
    let gates = 0;
    for (let like = 1; like <= rate; like += 1) gates = heat.gatesAfterLike(from + (second + like / rate) * 1000);
    return gates;
  });
}

it("asks for gates from 300 likes a second on, more for higher rates, and at most 64", () => {
  const start = 1_000_000;
  const afterTwoSeconds = (rate: number) => likes(new Heat(), start, rate, 3).at(-1);
  expect([1, 100, 290].map(afterTwoSeconds)).toEqual([0, 0, 0]);
  expect([310, 900, 3000].map(afterTwoSeconds)).toEqual([2, 3, 10]);
  expect(afterTwoSeconds(40_000)).toBe(64);
});

it("keeps its gates until the rate is below 100 likes a second, so that it does not flap", () => {
  const heat = new Heat();
  expect(likes(heat, 0, 500, 3).at(-1)).toBe(2);
  expect(likes(heat, 3000, 150, 5)).toEqual([1, 1, 1, 1, 1]);
  expect(likes(heat, 8000, 80, 2).at(-1)).toBe(0);
  expect(likes(heat, 10_000, 150, 5)).toEqual([0, 0, 0, 0, 0]); // This rate keeps a post hot, but does not make it hot.
});

it("is cold at its first like and after an idle time", () => {
  const heat = new Heat();
  expect(heat.gatesAfterLike(1_000_000)).toBe(0);
  likes(heat, 1_000_000, 1000, 3);
  expect(heat.gatesAfterLike(2_000_000)).toBe(0);
});
