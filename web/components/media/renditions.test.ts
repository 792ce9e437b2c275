import { expect, it } from "vitest";
import { squareSet, widthSet } from "./renditions.ts";

const urls = { w320: "/a/w320", w640: "/a/w640", w1080: "/a/w1080", thumb: "/a/thumb" };

it("offers each width once, and none wider than the picture", () => {
  expect(widthSet({ urls, width: 4000, height: 3000 })).toBe("/a/w320 320w, /a/w640 640w, /a/w1080 1080w");
  expect(widthSet({ urls, width: 500, height: 300 })).toBe("/a/w320 320w, /a/w640 500w");
  expect(widthSet({ urls, width: 20, height: 30 })).toBe("/a/w320 20w");
  expect(widthSet({ width: 500, height: 300 })).toBe("");
});

it("offers the thumbnail for a square, and renditions that contain a larger one", () => {
  expect(squareSet({ urls, width: 4000, height: 2000 })).toBe("/a/thumb 320w, /a/w1080 540w");
  expect(squareSet({ urls, width: 2000, height: 4000 })).toBe("/a/thumb 320w, /a/w640 640w, /a/w1080 1080w");
  expect(squareSet({ urls, width: 200, height: 100 })).toBe("/a/thumb 100w");
});
