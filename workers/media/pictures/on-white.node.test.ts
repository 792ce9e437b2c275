import { decode, encode } from "fast-png";
import { expect, it } from "vitest";
import { bytes, chunk, PNG_SIGNATURE, u32 } from "../../../tests/runtime/media/picture-bytes.ts";
import { streamOf } from "./byte-queue.ts";
import { onWhite } from "./on-white.ts";

async function deflated(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([data]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const header = (width: number, height: number, depth: number, type: number, interlacing = 0) =>
  chunk("IHDR", bytes(u32(width), u32(height), depth, type, 0, 0, interlacing));

/** Sends a PNG through in parts of `size` bytes, and decodes what comes out. */
async function whitened(png: Uint8Array, size = 11) {
  const parts = Array.from({ length: Math.ceil(png.length / size) }, (_, at) => png.slice(at * size, (at + 1) * size));
  const made = await onWhite(streamOf(parts.values()));
  return decode(await new Response(made).arrayBuffer());
}

const onWhiteByHand = (value: number, opacity: number) => Math.round(255 + ((value - 255) * opacity) / 255);

it.each([2, 4])("puts %i channels on white, whatever filter a row has", async (channels) => {
  const [width, height] = [9, 10];
  const pixel = (x: number, y: number, channel: number) => (x * 31 + y * 57 + channel * 91 + x * y) & 255;
  const samples = (y: number) =>
    Array.from({ length: width * channels }, (_, at) => pixel(Math.floor(at / channels), y, at % channels));
  const rows = Array.from({ length: height }, (_, y) =>
    filteredRow(y % 5, samples(y), y ? samples(y - 1) : [], channels),
  );
  const data = await deflated(bytes(...rows));
  const half = data.length >> 1;
  const idats = [chunk("IDAT", data.slice(0, half)), chunk("IDAT"), chunk("IDAT", data.slice(half))];
  const png = bytes(PNG_SIGNATURE, header(width, height, 8, channels === 4 ? 6 : 4), ...idats, chunk("IEND"));
  for (const size of [1, 11, 10_000]) {
    const made = await whitened(png, size);
    expect(made).toMatchObject({ width, height, channels: channels - 1, depth: 8 });
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1)
        for (let channel = 0; channel < channels - 1; channel += 1)
          expect(made.data[(y * width + x) * (channels - 1) + channel]).toBe(
            onWhiteByHand(pixel(x, y, channel), pixel(x, y, channels - 1)),
          );
  }
});

/** Applies a filter to a row, as the specification says it. */
function filteredRow(filter: number, row: number[], above: number[], channels: number): Uint8Array {
  const predict = (at: number) => {
    const [a, b, c] = [row[at - channels] ?? 0, above[at] ?? 0, above[at - channels] ?? 0];
    if (filter === 4) {
      const p = a + b - c;
      const distances = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)] as const;
      return distances[0] <= distances[1] && distances[0] <= distances[2] ? a : distances[1] <= distances[2] ? b : c;
    }
    return [0, a, b, Math.floor((a + b) / 2)][filter] ?? 0;
  };
  return bytes(filter, ...row.map((value, at) => (value - predict(at)) & 255));
}

it("puts a palette on white", async () => {
  const palette = chunk("PLTE", bytes(200, 0, 0, 0, 200, 0, 0, 0, 200));
  const pixels = await deflated(bytes(0, 0, 1, 2));
  const parts = [header(3, 1, 8, 3), palette, chunk("tRNS", bytes(0, 128)), chunk("IDAT", pixels), chunk("IEND")];
  const { palette: made } = await whitened(bytes(PNG_SIGNATURE, ...parts));
  expect(made).toEqual([
    [255, 255, 255],
    [127, 227, 127],
    [0, 0, 200],
  ]);
});

it("leaves an opaque picture as it is", async () => {
  const data = Uint8Array.of(1, 2, 3, 4, 5, 6);
  expect((await whitened(encode({ width: 2, height: 1, data, channels: 3 }))).data).toEqual(data);
});

it.each([
  ["nothing", bytes()],
  ["a signature alone", PNG_SIGNATURE],
  ["no header", bytes(PNG_SIGNATURE, chunk("IDAT"), chunk("IEND"))],
  ["a chunk without an end", bytes(PNG_SIGNATURE, header(2, 2, 8, 6), u32(0x7fffffff), "tEXt")],
  ["chunks without an end", bytes(PNG_SIGNATURE, ...Array.from({ length: 200 }, () => chunk("tEXt")))],
  ["16 bits", bytes(PNG_SIGNATURE, header(2, 2, 16, 6), chunk("IDAT"))],
  ["interlacing", bytes(PNG_SIGNATURE, header(2, 2, 8, 6, 1), chunk("IDAT"))],
  [
    "a transparent colour",
    bytes(PNG_SIGNATURE, header(2, 2, 8, 2), chunk("tRNS", bytes(0, 0, 0, 0, 0, 0)), chunk("IDAT")),
  ],
  ["too few pixels", bytes(PNG_SIGNATURE, header(2, 2, 8, 6), chunk("IDAT", bytes("x")), chunk("IEND"))],
  ["pixels that break off", bytes(PNG_SIGNATURE, header(2, 2, 8, 6), u32(100), "IDAT", "xyz")],
])("refuses a PNG with %s", async (_, png) => {
  await expect(whitened(png)).rejects.toThrow();
});
