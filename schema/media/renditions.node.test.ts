import { describe, expect, it } from "vitest";
import { renditionWidth, usefulName, WIDTH_NAMES, type WidthName } from "./renditions.ts";

const picture = (width: number, height: number) => ({ width, height, isVideo: false });
const widthsOf = (width: number, height: number) =>
  WIDTH_NAMES.map((name) => renditionWidth(name, picture(width, height)));
const usefulOf = (width: number, height: number) => WIDTH_NAMES.map((name) => usefulName(name, picture(width, height)));

describe("the width of a rendition", () => {
  it("is the one in its name between 1:2.5 and 2.5:1, and never more than the picture's", () => {
    expect(widthsOf(6000, 4003)).toEqual([320, 640, 1080, 1600, 2048]);
    expect(widthsOf(4800, 12_000)).toEqual([320, 640, 1080, 1600, 2048]);
    expect(widthsOf(12_000, 4800)).toEqual([320, 640, 1080, 1600, 2048]);
    expect(widthsOf(1200, 800)).toEqual([320, 640, 1080, 1200, 1200]);
    expect(widthsOf(20, 30)).toEqual([20, 20, 20, 20, 20]);
  });

  it("keeps the area of the ratio 2.5 beyond it", () => {
    expect(widthsOf(12_000, 1000)).toEqual([701, 1402, 2366, 3505, 4487]); // A panorama.
    expect(widthsOf(990, 11_490)).toEqual([149, 297, 501, 743, 951]); // A comic strip.
    for (const [width, height] of [
      [12_000, 1000],
      [990, 11_490],
    ] as const) {
      for (const name of ["w320", "w640", "w1080"] as const) {
        const wide = renditionWidth(name, picture(width, height));
        const area = (wide * wide * height) / width;
        const expected = { w320: 320, w640: 640, w1080: 1080 }[name] ** 2 * (width > height ? 1 / 2.5 : 2.5);
        expect(Math.abs(area / expected - 1)).toBeLessThan(0.01);
      }
    }
  });

  it("is at least a pixel and at most what the encoder takes", () => {
    expect(widthsOf(1, 12_000)).toEqual([1, 1, 1, 1, 1]);
    expect(widthsOf(12_000, 1)).toEqual([12_000, 12_000, 12_000, 12_000, 12_000]);
    expect(renditionWidth("w640", picture(0, 0))).toBe(0);
  });

  it("is the one in its name for a poster, whose own size is not known", () => {
    expect(renditionWidth("w1080", { width: 4096, height: 400, isVideo: true })).toBe(1080);
  });
});

describe("the rendition to show", () => {
  it("is a smaller one where the one asked for would be no wider", () => {
    expect(usefulOf(6000, 4003)).toEqual(WIDTH_NAMES);
    expect(usefulOf(1700, 900)).toEqual(WIDTH_NAMES);
    expect(usefulOf(1600, 900)).toEqual(["w320", "w640", "w1080", "w1600", "w1600"]);
    expect(usefulOf(1081, 900)).toEqual(["w320", "w640", "w1080", "w1600", "w1600"]);
    expect(usefulOf(1080, 900)).toEqual(["w320", "w640", "w1080", "w1080", "w1080"]);
    expect(usefulOf(12_000, 1)).toEqual(["w320", "w640", "w1080", "w1080", "w1080"]);
  });

  it("is one of those made at inspection for a poster", () => {
    const named = (name: WidthName) => usefulName(name, { width: 4096, height: 2160, isVideo: true });
    expect(WIDTH_NAMES.map(named)).toEqual(["w320", "w640", "w1080", "w1080", "w1080"]);
  });
});
