/**
 * Copies a moving PNG: the chunks that its frames and colours are made of. Texts, EXIF, times and all other chunks are left
 * out, and everything after the end.
 */
import { concatBytes, readUint } from "../../../../schema/bytes.ts";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { crc32 } from "../../bytes/crc32.ts";
import { ascii } from "../../bytes/fields.ts";
import { type Windows, windowsOf } from "../../bytes/windows.ts";
import { Rejected } from "../../files/rejections.ts";
import { inflated } from "../formats/inflate.ts";
import { afterZero, chunkAt, SIGNATURE_BYTES } from "../formats/png.ts";
import { chunk as chunkOf, CHUNK_BYTES } from "../formats/png-chunks.ts";
import { BLOCK_BYTES, SEGMENTS_MAX } from "../formats/raw-header.ts";
import { coloursAlone } from "./colour-profile.ts";
import { Copy } from "./copy.ts";
import { PngFrames } from "./png-frames.ts";

/** A chunk whose checksum is right. It begins at `at` with its length and type. */
type Chunk = { type: string; at: number; data: number; length: number };

const HEADER_BYTES = 13;
/** The head of a frame: its number, its place, its delay, and how it is drawn. */
const FRAME_BYTES = 26;

/** The chunks with colours that are copied, and whether a length is one that they have. A longer one would hide something. */
const COLOURS: Record<string, (length: number) => boolean> = {
  PLTE: (length) => length <= 768 && length % 3 === 0,
  tRNS: (length) => length <= 256,
  gAMA: (length) => length === 4,
  cHRM: (length) => length === 32,
  sRGB: (length) => length === 1,
  cICP: (length) => length === 4,
  sBIT: (length) => length <= 4,
};

/** Returns the copy of a PNG. Throws `corrupt` if it is damaged, cut off or out of order, and `too_many_segments`. */
export async function copyOfPng(source: ByteSource): Promise<Copy> {
  const windows = windowsOf(source);
  const copy = new Copy();
  const frames = new PngFrames();
  const seen = new Set<string>();
  copy.keep(0, SIGNATURE_BYTES);
  for await (const chunk of chunksOf(windows)) {
    const { type, at, data, length } = chunk;
    const isFirst = !seen.has(type);
    seen.add(type);
    if ((type === "IHDR") !== (at === SIGNATURE_BYTES)) throw new Rejected("corrupt");
    const keep = () => copy.keep(at, at + CHUNK_BYTES + length);
    const read = (bytesMax: number) => windows.at(data, Math.min(length, bytesMax));
    if (type === "IHDR") {
      if (length !== HEADER_BYTES) throw new Rejected("corrupt");
      frames.begin(await read(HEADER_BYTES));
      keep();
    } else if (type === "acTL" && isFirst && !seen.has("IDAT")) {
      copy.write(frames.announce(await read(8)));
    } else if (type === "fcTL") {
      if (length !== FRAME_BYTES) throw new Rejected("corrupt");
      frames.frame(await read(FRAME_BYTES));
      keep();
    } else if (type === "IDAT" || type === "fdAT") {
      frames.data(type, await read(4));
      keep();
    } else if (type === "iCCP" && isFirst && !seen.has("IDAT") && !seen.has("PLTE")) {
      const [, compressed] = afterZero(await read(BLOCK_BYTES));
      const colours = coloursAlone(await inflated(compressed.subarray(1)));
      if (colours) copy.write(chunkOf("iCCP", concatBytes([NAME, await deflated(colours)])));
    } else if (isFirst && !seen.has("IDAT") && COLOURS[type]?.(length)) keep();
  }
  frames.end();
  copy.write(chunkOf("IEND", new Uint8Array()));
  return copy;
}

/** The name of every profile, and the number of the only way to compress one. */
const NAME = Uint8Array.of(0x69, 0x63, 0x63, 0, 0);

/** Walks through the chunks up to the last one, which it does not return. Throws `corrupt` unless it is there. */
async function* chunksOf(windows: Windows): AsyncGenerator<Chunk> {
  for (let at = SIGNATURE_BYTES, count = 0; ; count += 1) {
    if (count > SEGMENTS_MAX) throw new Rejected("too_many_segments");
    const head = await chunkAt(windows, at);
    if (!head || at + CHUNK_BYTES + head.length > windows.size) throw new Rejected("corrupt");
    const chunk = { ...head, at, data: at + 8 };
    if (head.type === "IEND") return;
    yield chunk;
    await checkSum(windows, chunk);
    at += CHUNK_BYTES + head.length;
  }
}

/** Reads a chunk to its end. Data with a wrong checksum is damaged, and browsers would not show it. */
async function checkSum(windows: Windows, { type, data, length }: Chunk): Promise<void> {
  let sum = crc32(ascii(type));
  const end = data + length;
  for (let at = data; at < end;) {
    const bytes = (await windows.from(at, 1)).subarray(0, end - at);
    sum = crc32(bytes, sum);
    at += bytes.length;
  }
  if (readUint(await windows.at(end, 4)) !== sum) throw new Rejected("corrupt");
}

async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}
