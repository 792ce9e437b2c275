/**
 * Puts a PNG with transparency on white, for JPEG, which has none. The Images binding has an option for that, which the local
 * one ignores, so that transparent areas turn black. The pixels stream through, two rows in memory at a time.
 */
import { concatBytes, readUint } from "../../../schema/bytes.ts";
import { latin1 } from "../bytes/fields.ts";
import { ByteQueue, streamOf } from "./byte-queue.ts";
import { chunk, SIGNATURE, u32 } from "./formats/png-chunks.ts";

/** The colour types of PNG. */
const [GREY, RGB, PALETTE, GREY_ALPHA, RGBA] = [0, 2, 3, 4, 6];
/** What may come before the pixels and is needed: names of colour spaces. */
const COLOURS = new Set(["iCCP", "sRGB", "gAMA", "cHRM"]);
/** The most bytes of a chunk before the pixels. Our encoder writes a few kilobytes. */
const CHUNK_MAX = 1024 * 1024;
const CHUNKS_MAX = 100;

type Picture = { width: number; height: number; colourType: number };
type Head = { picture: Picture; chunks: Map<string, Uint8Array<ArrayBuffer>>; idat: number };

/**
 * Returns the picture without transparency. `png` is what an encoder of ours returned: one with transparency of a kind that
 * those do not write (16 bits, interlaced, one transparent colour) is refused with an error, like one that is damaged.
 */
export async function onWhite(png: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const source = new ByteQueue(png);
  const head = await headOf(source);
  const { colourType } = head.picture;
  if (colourType === GREY_ALPHA || colourType === RGBA) return streamOf(blended(head, source));
  const transparency = head.chunks.get("tRNS");
  if (transparency && colourType !== PALETTE) throw new Error("a transparent colour instead of transparency");
  return streamOf(withPalette(head, source, transparency ?? new Uint8Array()));
}

async function headOf(source: ByteQueue): Promise<Head> {
  await source.take(SIGNATURE.length);
  const chunks = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let read = 0; read < CHUNKS_MAX; read += 1) {
    const start = await source.take(8);
    const [length, type] = [readUint(start.subarray(0, 4)), latin1(start.subarray(4))];
    if (type === "IDAT") return { picture: pictureOf(chunks.get("IHDR")), chunks, idat: length };
    if (start.length < 8 || length > CHUNK_MAX) break;
    chunks.set(type, await source.take(length));
    await source.take(4);
  }
  throw new Error("a PNG without pixels");
}

function pictureOf(header: Uint8Array = new Uint8Array()): Picture {
  const [width, height] = [readUint(header.subarray(0, 4)), readUint(header.subarray(4, 8))];
  const [depth, colourType = GREY, , , interlacing] = header.subarray(8);
  const isPalette = colourType === PALETTE || colourType === GREY || colourType === RGB;
  if (width === 0 || height === 0 || (!isPalette && (depth !== 8 || interlacing !== 0)))
    throw new Error("an unusual kind of PNG");
  return { width, height, colourType };
}

/** Yields a PNG whose palette is on white. Its pixels stay as they are. */
async function* withPalette({ chunks, idat }: Head, source: ByteQueue, transparency: Uint8Array) {
  yield SIGNATURE;
  for (const [type, data] of chunks) {
    const isPalette = type === "PLTE";
    const colours = isPalette
      ? data.map((value, at) => onWhiteOf(value, transparency[Math.floor(at / 3)] ?? 255))
      : data;
    if (type === "IHDR" || isPalette || COLOURS.has(type)) yield chunk(type, colours);
  }
  yield concatBytes([u32(idat), new TextEncoder().encode("IDAT")]);
  for (let part = await source.some(CHUNK_MAX); part.length > 0; part = await source.some(CHUNK_MAX)) yield part;
}

const onWhiteOf = (value: number, opacity: number): number => Math.round(255 + ((value - 255) * opacity) / 255);

async function* blended({ picture, chunks, idat }: Head, source: ByteQueue) {
  const { width, height, colourType } = picture;
  yield SIGNATURE;
  const opaque = colourType === RGBA ? RGB : GREY;
  yield chunk("IHDR", concatBytes([u32(width), u32(height), Uint8Array.of(8, opaque, 0, 0, 0)]));
  for (const [type, data] of chunks) if (COLOURS.has(type)) yield chunk(type, data);
  const rows = streamOf(opaqueRows(picture, pixelsIn(source, idat)));
  const deflated = new ByteQueue(rows.pipeThrough(new CompressionStream("deflate")));
  for (let part = await deflated.some(CHUNK_MAX); part.length > 0; part = await deflated.some(CHUNK_MAX))
    yield chunk("IDAT", part);
  yield chunk("IEND");
}

/** Inflates the data of all IDAT chunks, of which the first has `first` bytes. */
function pixelsIn(source: ByteQueue, first: number): ByteQueue {
  async function* data() {
    for (let [length, type] = [first, "IDAT"]; type === "IDAT";) {
      for (let left = length; left > 0;) {
        const part = await source.some(left);
        if (part.length === 0) throw new Error("a truncated PNG");
        left -= part.length;
        yield part;
      }
      const next = await source.take(12); // A checksum, and the start of the next chunk.
      [length, type] = [readUint(next.subarray(4, 8)), latin1(next.subarray(8))];
    }
    await source.cancel();
  }
  return new ByteQueue(streamOf(data()).pipeThrough(new DecompressionStream("deflate")));
}

/** Yields the rows without transparency and without filters. */
async function* opaqueRows({ width, height, colourType }: Picture, pixels: ByteQueue) {
  const channels = colourType === RGBA ? 4 : 2;
  let above = new Uint8Array(width * channels);
  for (let y = 0; y < height; y += 1) {
    const stored = await pixels.take(1 + width * channels);
    if (stored.length <= width * channels) throw new Error("a truncated PNG");
    const row = unfiltered(stored, above, channels);
    above = row;
    const opaque = new Uint8Array(1 + width * (channels - 1)); // The first byte, 0, means that there is no filter.
    for (let from = 0, to = 1; from < row.length; from += channels) {
      const opacity = row[from + channels - 1] ?? 255;
      for (let channel = 0; channel < channels - 1; channel += 1, to += 1)
        opaque[to] = onWhiteOf(row[from + channel] ?? 0, opacity);
    }
    yield opaque;
  }
  await pixels.cancel();
}

/** Undoes the filter of a row (PNG, 9.2), which its first byte names. */
function unfiltered(stored: Uint8Array, above: Uint8Array, channels: number): Uint8Array<ArrayBuffer> {
  const row = new Uint8Array(stored.length - 1);
  const filter = stored[0];
  for (let at = 0; at < row.length; at += 1) {
    const left = at < channels ? 0 : (row[at - channels] ?? 0);
    const up = above[at] ?? 0;
    const corner = at < channels ? 0 : (above[at - channels] ?? 0);
    row[at] = (stored[at + 1] ?? 0) + predicted(filter, left, up, corner);
  }
  return row;
}

function predicted(filter: number | undefined, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
