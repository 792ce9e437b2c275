import { encode } from "fast-png";
import { expect, it } from "vitest";
import { bytes, chunk, PNG_SIGNATURE, u32 } from "../../../tests/runtime/media/picture-bytes.ts";
import { streamOf } from "./byte-queue.ts";
import { hasFewColours } from "./pixel-art.ts";

const look = (png: Uint8Array<ArrayBuffer>) => hasFewColours(streamOf([png].values()));

/** A PNG of 32 by 32 pixels, whose samples `sample` returns. */
const pngWith = (channels: 1 | 2 | 3 | 4, sample: (x: number, y: number, channel: number) => number) => {
  const data = Uint8Array.from({ length: 32 * 32 * channels }, (_, at) => {
    const pixel = Math.floor(at / channels);
    return sample(pixel % 32, Math.floor(pixel / 32), at % channels);
  });
  return new Uint8Array(encode({ width: 32, height: 32, data, channels }));
};

it.each([
  ["four colours", true, pngWith(3, (x, y) => (x > y ? 255 : 0) + (x & 1))],
  ["64 colours with transparency", true, pngWith(4, (x, y, channel) => (channel === 0 ? (x & 7) * 8 + (y & 7) : 9))],
  ["65 colours", false, pngWith(3, (x, y, channel) => (channel === 0 ? Math.min(64, y * 32 + x) : 9))],
  ["one colour", false, pngWith(3, () => 7)],
  ["the colours of a small photograph", false, pngWith(3, (x, y, channel) => x * 7 + y * 3 + channel * 40)],
  ["the shades of a grey photograph", false, pngWith(1, (x, y) => x * 3 + y * 5)],
])("counts the colours of a PNG with %s", async (_, isFew, png) => {
  expect(await look(png)).toBe(isFew);
});

it("takes the size of a palette for the number of colours", async () => {
  const header = chunk("IHDR", bytes(u32(16), u32(16), 4, 3, 0, 0, 1));
  const png = (entries: number) =>
    bytes(PNG_SIGNATURE, header, chunk("PLTE", new Uint8Array(entries * 3)), chunk("IDAT"), chunk("IEND"));
  expect(await look(png(16))).toBe(true);
  expect(await look(png(256))).toBe(false);
});

it("gives up on rare and damaged kinds", async () => {
  const header = (depth: number, type: number) => chunk("IHDR", bytes(u32(9), u32(9), depth, type, 0, 0, 0));
  for (const png of [
    bytes(),
    bytes(PNG_SIGNATURE, header(16, 2), chunk("IDAT")),
    bytes(PNG_SIGNATURE, header(8, 5), chunk("IDAT")),
    bytes(PNG_SIGNATURE, header(8, 2), chunk("IDAT", bytes("no zlib"))),
  ])
    await expect(look(png)).rejects.toThrow();
});
