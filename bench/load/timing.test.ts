import { expect, it } from "vitest";
import type { Request } from "./client.ts";
import { deal } from "./timing.ts";

const get = (path: string): Request => ({ method: "GET", path });
const pathsOf = (hands: Request[][]) => hands.map((hand) => hand.map(({ path }) => path));

it("keeps each person's requests together and in order", () => {
  const sequences = [[get("a1"), get("a2")], [get("b1"), get("b2")], [get("c1")]];
  expect(pathsOf(deal(sequences, 2))).toEqual([
    ["a1", "a2", "c1"],
    ["b1", "b2"],
  ]);
});

it("gives every connection requests", () => {
  expect(pathsOf(deal([[get("a")]], 3))).toEqual([["a"], ["a"], ["a"]]);
});
