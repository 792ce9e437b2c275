import { expect, it } from "vitest";
import { handlesIn, MENTIONS_MAX } from "./mentions.ts";

it.each([
  ["@ada, have you seen (@Ben_2)? @ada!", ["ada", "ben_2"]],
  ["ada@example.org @al a.@cleo @@dora http://x.example/@eve", ["eve"]],
  [`@${"a".repeat(30)} @${"b".repeat(31)}`, ["a".repeat(30)]],
  ["@ada\n@ben\t@cleo's", ["ada", "ben", "cleo"]],
])("finds the handles mentioned in %j", (text, handles) => {
  expect(handlesIn(text)).toEqual(handles);
});

it("stops at the tenth mention, and takes no longer for hostile text", () => {
  const many = Array.from({ length: 50 }, (_, index) => `@person_${index}`).join(" ");
  expect(handlesIn(many)).toHaveLength(MENTIONS_MAX);
  expect(handlesIn("@a".repeat(10_000))).toEqual([]);
  expect(handlesIn(`@${"a".repeat(100_000)}`)).toEqual([]);
});
