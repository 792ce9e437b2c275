import { expect, it } from "vitest";
import { ownPath } from "./own-path.ts";

const ORIGIN = "https://photos.example";

it.each([
  ["/people/ada", "/people/ada"],
  ["/posts/1?page=2", "/posts/1?page=2"],
  ["/a/../people", "/people"],
])("goes on to the own path %s", (path, expected) => {
  expect(ownPath(path, ORIGIN)).toBe(expected);
});

it.each([
  [undefined],
  [""],
  ["people"],
  ["//evil.example/x"],
  ["/..//x"],
  ["/.//evil.example"],
  ["/\\evil.example"],
  ["https://evil.example/"],
  ["https://photos.example/people"],
  ["javascript:alert(1)"],
  ["//["],
])("goes home instead of to %s", (path) => {
  expect(ownPath(path, ORIGIN)).toBe("/");
});
