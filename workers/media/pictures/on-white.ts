/**
 * Puts a PNG with transparency on white, for JPEG, which has none. The Images binding has an option for that, which the local
 * one ignores, so that transparent areas turn black.
 */
import { concatBytes } from "../../../schema/bytes.ts";
import { ByteQueue, streamOf } from "./byte-queue.ts";
import { ascii, u32 } from "../bytes/fields.ts";
import { chunk, SIGNATURE } from "./formats/png-chunks.ts";
import { GREY, GREY_ALPHA, PALETTE, type PngHead, readHead, RGB, RGBA, rowsOf } from "./png-rows.ts";

/** What may come before the pixels and is needed: names of colour spaces. */
const COLOURS = new Set(["iCCP", "sRGB", "gAMA", "cHRM"]);
/** The most bytes that are passed on at once. */
const PART_MAX = 1024 * 1024;

/**
 * Returns the picture without transparency. `png` is what an encoder of ours returned: one with transparency of a kind that
 * those do not write (16 bits, interlaced, one transparent colour) is refused with an error, like one that is damaged.
 */
export async function onWhite(png: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const source = new ByteQueue(png);
  const head = await readHead(source);
  const { colourType, depth, isInterlaced } = head;
  if (colourType === GREY_ALPHA || colourType === RGBA) {
    if (depth !== 8 || isInterlaced) throw new Error("an unusual kind of PNG");
    return streamOf(blended(head, source));
  }
  const transparency = head.chunks.get("tRNS");
  if (transparency && colourType !== PALETTE) throw new Error("a transparent colour instead of transparency");
  return streamOf(withPalette(head, source, transparency ?? new Uint8Array()));
}

/** Yields a PNG whose palette is on white. Its pixels stay as they are. */
async function* withPalette({ chunks, pixelBytes }: PngHead, source: ByteQueue, transparency: Uint8Array) {
  yield SIGNATURE;
  for (const [type, data] of chunks) {
    const isPalette = type === "PLTE";
    const colours = isPalette
      ? data.map((value, at) => onWhiteOf(value, transparency[Math.floor(at / 3)] ?? 255))
      : data;
    if (type === "IHDR" || isPalette || COLOURS.has(type)) yield chunk(type, colours);
  }
  yield concatBytes([u32(pixelBytes), ascii("IDAT")]);
  for (let part = await source.some(PART_MAX); part.length > 0; part = await source.some(PART_MAX)) yield part;
}

const onWhiteOf = (value: number, opacity: number): number => Math.round(255 + ((value - 255) * opacity) / 255);

async function* blended(head: PngHead, source: ByteQueue) {
  const { width, height, colourType, chunks } = head;
  yield SIGNATURE;
  const opaque = colourType === RGBA ? RGB : GREY;
  yield chunk("IHDR", concatBytes([u32(width), u32(height), Uint8Array.of(8, opaque, 0, 0, 0)]));
  for (const [type, data] of chunks) if (COLOURS.has(type)) yield chunk(type, data);
  const deflated = new ByteQueue(streamOf(opaqueRows(head, source)).pipeThrough(new CompressionStream("deflate")));
  for (let part = await deflated.some(PART_MAX); part.length > 0; part = await deflated.some(PART_MAX))
    yield chunk("IDAT", part);
  yield chunk("IEND");
}

/** Yields the rows without transparency. Their first byte, 0, means that they have no filter. */
async function* opaqueRows(head: PngHead, source: ByteQueue) {
  const { width, channels } = head;
  for await (const row of rowsOf(head, source)) {
    const opaque = new Uint8Array(1 + width * (channels - 1));
    for (let from = 0, to = 1; from < row.length; from += channels) {
      const opacity = row[from + channels - 1] ?? 255;
      for (let channel = 0; channel < channels - 1; channel += 1, to += 1)
        opaque[to] = onWhiteOf(row[from + channel] ?? 0, opacity);
    }
    yield opaque;
  }
}
