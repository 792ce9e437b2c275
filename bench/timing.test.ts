import { expect, it } from "vitest";
import type { Request } from "./client.ts";
import { dealt } from "./timing.ts";

const get = (path: string): Request => ({ method: "GET", path });
const pathsOf = (hands: Request[][]) => hands.map((hand) => hand.map(({ path }) => path));

it("keeps a person's requests together and in their order", () => {
  const sequences = [[get("a1"), get("a2")], [get("b1"), get("b2")], [get("c1")]];
  expect(pathsOf(dealt(sequences, 2))).toEqual([
    ["a1", "a2", "c1"],
    ["b1", "b2"],
  ]);
});

it("leaves no connection without requests", () => {
  expect(pathsOf(dealt([[get("a")]], 3))).toEqual([["a"], ["a"], ["a"]]);
});
