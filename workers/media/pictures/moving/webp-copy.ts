/**
 * Copies a moving WebP: its canvas, background, repetitions, colours, and of each frame the picture and its
 * transparency. EXIF, XMP and all other chunks are left out, also within frames, and everything after the end.
 */
import { concatBytes } from "../../../../schema/bytes.ts";
import { ascii, littleEndian } from "../../bytes/fields.ts";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { type Windows, windowsOf } from "../../bytes/windows.ts";
import { Rejected } from "../../files/rejections.ts";
import { BLOCK_BYTES, SEGMENTS_MAX } from "../formats/raw-header.ts";
import type { Size } from "../formats/size.ts";
import { FILE_HEADER_BYTES, MOVES, RIFF_CHUNK_BYTES, riffChunkAt } from "../formats/webp.ts";
import { coloursAlone } from "./colour-profile.ts";
import { Copy } from "./copy.ts";

/** Flags of the canvas. */
const [TRANSPARENT, COLOURS] = [0x10, 0x20];
const [CANVAS_BYTES, LOOP_BYTES, FRAME_BYTES] = [10, 6, 16];

type Chunk = { type: string; at: number; data: number; length: number };
type Left = { chunks: number };

/** Returns the copy of a WebP. Throws `corrupt` if it is damaged, cut off or contradicts itself. */
export async function copyOfWebp(source: ByteSource): Promise<Copy> {
  const windows = windowsOf(source);
  const end = 8 + littleEndian(await windows.at(4, 4));
  if (end > source.size) throw new Rejected("corrupt");
  const left = { chunks: SEGMENTS_MAX };
  const chunks = chunksIn(windows, FILE_HEADER_BYTES, end, left);
  const canvas = await readCanvas(windows, (await chunks.next()).value);

  const copy = new Copy();
  const head = new Uint8Array(FILE_HEADER_BYTES);
  copy.write(head);
  copy.write(canvas.chunk);
  let hasLoop = false;
  let frames = 0;
  for await (const chunk of chunks) {
    if (chunk.type === "ANMF") {
      if (!hasLoop) throw new Rejected("corrupt");
      await copyFrame(windows, chunk, { canvas, left }, copy);
      frames += 1;
    } else if (chunk.type === "ANIM" && !hasLoop) {
      if (chunk.length < LOOP_BYTES) throw new Rejected("corrupt");
      copy.write(chunkOf("ANIM", await windows.at(chunk.data, LOOP_BYTES)));
      hasLoop = true;
    } else if (chunk.type === "ICCP" && !hasLoop && !canvas.hasColours()) {
      const colours = coloursAlone(await windows.at(chunk.data, Math.min(chunk.length, BLOCK_BYTES)));
      if (!colours) continue;
      copy.write(chunkOf("ICCP", colours));
      canvas.addColours();
    }
  }
  if (frames === 0) throw new Rejected("corrupt");
  head.set(concatBytes([ascii("RIFF"), le32(copy.bytes - 8), ascii("WEBP")]));
  return copy;
}

/** Walks through chunks. `left` is how many there may still be, in the file and in all its frames together. */
async function* chunksIn(windows: Windows, from: number, to: number, left: Left): AsyncGenerator<Chunk, undefined> {
  for (let at = from; at + RIFF_CHUNK_BYTES <= to;) {
    left.chunks -= 1;
    if (left.chunks < 0) throw new Rejected("too_many_segments");
    const { type, length } = await riffChunkAt(windows, at);
    const data = at + RIFF_CHUNK_BYTES;
    if (data + length > to) throw new Rejected("corrupt");
    yield { type, at, data, length };
    at = data + length + (length % 2);
  }
  return undefined;
}

/** Reads the first chunk, and rewrites it without the flags of what is left out. */
async function readCanvas(windows: Windows, chunk: Chunk | undefined) {
  if (chunk?.type !== "VP8X" || chunk.length < CANVAS_BYTES) throw new Rejected("corrupt");
  const [flags = 0, , , , ...size] = await windows.at(chunk.data, CANVAS_BYTES);
  if (!(flags & MOVES)) throw new Rejected("corrupt");
  const written = chunkOf("VP8X", Uint8Array.of(flags & (MOVES | TRANSPARENT), 0, 0, 0, ...size));
  const flag = (at = RIFF_CHUNK_BYTES) => written[at] ?? 0;
  return {
    ...sizeOf(Uint8Array.from(size)),
    chunk: written,
    hasColours: () => (flag() & COLOURS) > 0,
    addColours: () => (written[RIFF_CHUNK_BYTES] = flag() | COLOURS),
  };
}

/** Copies a frame with its picture, and its transparency if that is apart. */
async function copyFrame(
  windows: Windows,
  frame: Chunk,
  { canvas, left: chunksLeft }: { canvas: Size; left: Left },
  copy: Copy,
): Promise<void> {
  if (frame.length < FRAME_BYTES) throw new Rejected("corrupt");
  const head = (await windows.at(frame.data, FRAME_BYTES)).slice();
  const [left, top] = [2 * littleEndian(head.subarray(0, 3)), 2 * littleEndian(head.subarray(3, 6))];
  const size = sizeOf(head.subarray(6, 12));
  if (left + size.width > canvas.width || top + size.height > canvas.height) throw new Rejected("corrupt");
  head[15] = (head[15] ?? 0) & 3; // How it is drawn; the other bits have no meaning.

  const parts: Chunk[] = [];
  for await (const part of chunksIn(windows, frame.data + FRAME_BYTES, frame.data + frame.length, chunksLeft)) {
    const isPicture = part.type === "VP8 " || part.type === "VP8L";
    if (part.type === "ALPH" && parts.length === 0) parts.push(part);
    if (!isPicture) continue;
    await checkPicture(windows, part, size);
    if (part.type === "VP8L") parts.length = 0; // It has its own transparency.
    parts.push(part);
    break;
  }
  if (!parts.some(({ type }) => type !== "ALPH")) throw new Rejected("corrupt");
  const bytes = parts.reduce((sum, { length }) => sum + RIFF_CHUNK_BYTES + length + (length % 2), FRAME_BYTES);
  copy.write(concatBytes([ascii("ANMF"), le32(bytes), head]));
  for (const { at, data, length } of parts) {
    copy.keep(at, data + length);
    if (length % 2) copy.write(PADDING);
  }
}

/** Checks that a picture has the size that its frame states, like decoders do. */
async function checkPicture(windows: Windows, { type, data, length }: Chunk, frame: Size): Promise<void> {
  const start = (await windows.at(data, 10)).subarray(0, length);
  const size = type === "VP8L" ? sizeOfLossless(start) : sizeOfLossy(start);
  if (size?.width !== frame.width || size.height !== frame.height) throw new Rejected("corrupt");
}

// RFC 6386, 9.1: a frame tag, a start code, and two sizes of 14 bits.
function sizeOfLossy(start: Uint8Array): Size | undefined {
  if (start.length < 10 || littleEndian(start.subarray(3, 6)) !== 0x2a019d) return undefined;
  const side = (at: number) => littleEndian(start.subarray(at, at + 2)) & 0x3fff;
  return { width: side(6), height: side(8) };
}

// RFC 9649, 3.4: a signature, and two sizes of 14 bits, one less than they are.
function sizeOfLossless(start: Uint8Array): Size | undefined {
  if (start.length < 5 || start[0] !== 0x2f) return undefined;
  const bits = littleEndian(start.subarray(1, 5));
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

/** Reads a width and a height of 3 bytes each, one less than they are. */
const sizeOf = (bytes: Uint8Array): Size => ({
  width: littleEndian(bytes.subarray(0, 3)) + 1,
  height: littleEndian(bytes.subarray(3, 6)) + 1,
});

const PADDING = Uint8Array.of(0);
const le32 = (value: number): Uint8Array => Uint8Array.from({ length: 4 }, (_, byte) => (value >>> (8 * byte)) & 0xff);

const chunkOf = (type: string, data: Uint8Array): Uint8Array =>
  concatBytes([ascii(type), le32(data.length), data, ...(data.length % 2 ? [PADDING] : [])]);
