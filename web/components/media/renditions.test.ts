import { expect, it } from "vitest";
import { sizesIn, squareSet, widthSet } from "./renditions.ts";

const urls = {
  w320: "/a/w320",
  w640: "/a/w640",
  w1080: "/a/w1080",
  w1600: "/a/w1600",
  w2048: "/a/w2048",
  thumb: "/a/thumb",
};

it("offers each width once, and none wider than the picture", () => {
  expect(widthSet({ urls, width: 4000, height: 3000 })).toBe(
    "/a/w320 320w, /a/w640 640w, /a/w1080 1080w, /a/w1600 1600w, /a/w2048 2048w",
  );
  expect(widthSet({ urls, width: 1200, height: 800 })).toBe(
    "/a/w320 320w, /a/w640 640w, /a/w1080 1080w, /a/w1600 1200w",
  );
  expect(widthSet({ urls, width: 1080, height: 800 })).toBe("/a/w320 320w, /a/w640 640w, /a/w1080 1080w");
  expect(widthSet({ urls, width: 500, height: 300 })).toBe("/a/w320 320w, /a/w640 500w");
  expect(widthSet({ urls, width: 20, height: 30 })).toBe("/a/w320 20w");
  expect(widthSet({ width: 500, height: 300 })).toBe("");
});

it("offers a panorama wider and a comic strip narrower than the names say, by the widths that they have", () => {
  expect(widthSet({ urls, width: 12_000, height: 1000 })).toBe(
    "/a/w320 701w, /a/w640 1402w, /a/w1080 2366w, /a/w1600 3505w, /a/w2048 4487w",
  );
  expect(widthSet({ urls, width: 990, height: 11_490 })).toBe(
    "/a/w320 149w, /a/w640 297w, /a/w1080 501w, /a/w1600 743w, /a/w2048 951w",
  );
});

it("offers the poster of a video as it is made: up to 1080 pixels wide", () => {
  const video = { url: "/a/video", contentType: "video/mp4", durationMs: 1000, hasAudio: false };
  expect(widthSet({ urls, width: 4096, height: 1024, video })).toBe("/a/w320 320w, /a/w640 640w, /a/w1080 1080w");
});

it("offers the thumbnail for a square, and renditions that contain a larger one", () => {
  expect(squareSet({ urls, width: 4000, height: 2000 })).toBe("/a/thumb 320w, /a/w1080 540w");
  expect(squareSet({ urls, width: 2000, height: 4000 })).toBe("/a/thumb 320w, /a/w640 640w, /a/w1080 1080w");
  expect(squareSet({ urls, width: 200, height: 100 })).toBe("/a/thumb 100w");
  expect(squareSet({ urls, width: 12_000, height: 1000 })).toBe("/a/thumb 320w");
});

it("says how wide a picture is shown that fits into its frame", () => {
  const frame = [
    { when: "(min-width: 720px)", width: "680px", height: "50svh" },
    { width: "100vw", height: "(80svh - 1rem)" },
  ];
  expect(sizesIn(frame, { width: 300, height: 400 })).toBe(
    [
      "(min-resolution: 2.5dppx) and (min-width: 720px) calc(0.8 * min(680px, 50svh * 0.7500))",
      "(min-width: 720px) min(680px, 50svh * 0.7500)",
      "(min-resolution: 2.5dppx) calc(0.8 * min(100vw, (80svh - 1rem) * 0.7500))",
      "min(100vw, (80svh - 1rem) * 0.7500)",
    ].join(", "),
  );
});
