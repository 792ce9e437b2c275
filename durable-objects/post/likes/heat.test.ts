import { expect, it } from "vitest";
import { Heat } from "./heat.ts";

/** Likes at a steady rate, in likes a second, for some seconds. Gives back how many gates each second ends with. */
function likes(heat: Heat, from: number, rate: number, seconds: number): number[] {
  return Array.from({ length: seconds }, (_, second) => {
    let gates = 0;
    for (let like = 1; like <= rate; like += 1) gates = heat.gatesAfterLike(from + (second + like / rate) * 1000);
    return gates;
  });
}

it("asks for gates from 300 likes a second on, more of them the more come, and at most 64", () => {
  const start = 1_000_000;
  const afterTwoSeconds = (rate: number) => likes(new Heat(), start, rate, 3).at(-1);
  expect([1, 100, 290].map(afterTwoSeconds)).toEqual([0, 0, 0]);
  expect([310, 900, 3000].map(afterTwoSeconds)).toEqual([2, 3, 10]);
  expect(afterTwoSeconds(40_000)).toBe(64);
});

it("keeps its gates until fewer than 100 likes a second come, so that it does not go to and fro", () => {
  const heat = new Heat();
  expect(likes(heat, 0, 500, 3).at(-1)).toBe(2);
  expect(likes(heat, 3000, 150, 5)).toEqual([1, 1, 1, 1, 1]);
  expect(likes(heat, 8000, 80, 2).at(-1)).toBe(0);
  expect(likes(heat, 10_000, 150, 5)).toEqual([0, 0, 0, 0, 0]); // What keeps it hot does not make it so.
});

it("is cold at its first like, and after a silence", () => {
  const heat = new Heat();
  expect(heat.gatesAfterLike(1_000_000)).toBe(0);
  likes(heat, 1_000_000, 1000, 3);
  expect(heat.gatesAfterLike(2_000_000)).toBe(0);
});
