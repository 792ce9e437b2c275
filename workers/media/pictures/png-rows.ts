/** Reads the pixels of a PNG as they stream past, two rows in memory at a time. */
import { readUint } from "../../../schema/bytes.ts";
import { latin1 } from "../bytes/fields.ts";
import { ByteQueue, streamOf } from "./byte-queue.ts";
import { SIGNATURE } from "./formats/png-chunks.ts";

/** The colour types of PNG. */
export const [GREY, RGB, PALETTE, GREY_ALPHA, RGBA] = [0, 2, 3, 4, 6];
const CHANNELS: Record<number, number> = { [GREY]: 1, [RGB]: 3, [PALETTE]: 1, [GREY_ALPHA]: 2, [RGBA]: 4 };

/** The most bytes of a chunk before the pixels, and the most such chunks. Encoders write a few, of some kilobytes. */
const CHUNK_MAX = 1024 * 1024;
const CHUNKS_MAX = 100;

export type PngHead = {
  width: number;
  height: number;
  depth: number;
  colourType: number;
  isInterlaced: boolean;
  channels: number;
  /** The data of the chunks before the pixels, by type. */
  chunks: Map<string, Uint8Array<ArrayBuffer>>;
  /** The length of the first chunk of pixels, whose data comes next in the stream. */
  pixelBytes: number;
};

/** Reads a PNG up to its pixels. Throws an error if they do not come soon. */
export async function readHead(source: ByteQueue): Promise<PngHead> {
  await source.take(SIGNATURE.length);
  const chunks = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let read = 0; read < CHUNKS_MAX; read += 1) {
    const start = await source.take(8);
    const [length, type] = [readUint(start.subarray(0, 4)), latin1(start.subarray(4))];
    if (type === "IDAT") return { ...pictureOf(chunks.get("IHDR")), chunks, pixelBytes: length };
    if (start.length < 8 || length > CHUNK_MAX) break;
    chunks.set(type, await source.take(length));
    await source.take(4);
  }
  throw new Error("a PNG without pixels");
}

function pictureOf(header: Uint8Array = new Uint8Array()) {
  const [width, height] = [readUint(header.subarray(0, 4)), readUint(header.subarray(4, 8))];
  const [depth = 0, colourType = 0, , , interlacing = 0] = header.subarray(8);
  const channels = CHANNELS[colourType];
  if (width === 0 || height === 0 || channels === undefined) throw new Error("a damaged PNG");
  return { width, height, depth, colourType, isInterlaced: interlacing !== 0, channels };
}

/** Yields the rows, without their filters. Throws an error for other depths than 8 bits, and if the picture is interlaced. */
export async function* rowsOf(head: PngHead, source: ByteQueue): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { width, height, depth, isInterlaced, channels } = head;
  if (depth !== 8 || isInterlaced) throw new Error("an unusual kind of PNG");
  const pixels = new ByteQueue(streamOf(deflatedPixels(head, source)).pipeThrough(new DecompressionStream("deflate")));
  let above = new Uint8Array(width * channels);
  for (let y = 0; y < height; y += 1) {
    const stored = await pixels.take(1 + width * channels);
    if (stored.length <= width * channels) throw new Error("a truncated PNG");
    above = unfiltered(stored, above, channels);
    yield above;
  }
  await pixels.cancel();
}

/** Yields the data of all IDAT chunks. */
async function* deflatedPixels({ pixelBytes }: PngHead, source: ByteQueue) {
  for (let [length, type] = [pixelBytes, "IDAT"]; type === "IDAT";) {
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
