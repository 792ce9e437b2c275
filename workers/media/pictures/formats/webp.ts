/** Reads a WebP: its chunks by ranges, without decoding any. */
import { imageSize } from "image-size";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { littleEndian, latin1 } from "../../bytes/fields.ts";
import { BLOCK_BYTES, checkFrames, keep, emptyHeader, type RawHeader, SEGMENTS_MAX } from "./raw-header.ts";
import { type Windows, windowsOf } from "../../bytes/windows.ts";

/** "RIFF", a length, "WEBP". */
export const FILE_HEADER_BYTES = 12;
/** A type and the length of the data, which an odd length pads with one byte. */
export const RIFF_CHUNK_BYTES = 8;
/** The flag of a canvas whose pictures are frames. */
export const MOVES = 0x02;

/** Reads the size, the frames and the metadata of a WebP. */
export async function readWebp(source: ByteSource): Promise<RawHeader> {
  const windows = windowsOf(source);
  const head = await windows.at(0, 64);
  const raw = Object.assign(emptyHeader(), sizeIn(head));
  const end = 8 + littleEndian(head.subarray(4, 8));
  let frames = 0;
  let at = FILE_HEADER_BYTES;
  for (let chunks = 0; at < Math.min(end, source.size); chunks += 1) {
    if (chunks > SEGMENTS_MAX) throw new Rejected("too_many_segments");
    const { type, length } = await riffChunkAt(windows, at);
    const data = () => windows.at(at + 8, Math.min(length, BLOCK_BYTES));
    if (type === "ANMF") checkFrames((frames += 1));
    else if (type === "ICCP") raw.icc = (await data()).slice();
    else if (type === "XMP ") keep(raw, "xmp", await data());
    else if (type === "EXIF") {
      const block = await data();
      keep(raw, "exif", latin1(block.subarray(0, 6)) === "Exif\0\0" ? block.subarray(6) : block);
    }
    at += RIFF_CHUNK_BYTES + length + (length % 2);
  }
  if (end < source.size) raw.carries.add("trailer");
  // Without the flag, frames are ignored.
  const moves = latin1(head.subarray(12, 16)) === "VP8X" && ((head[20] ?? 0) & MOVES) > 0;
  // One that has been cut off behind its first frame was meant to move.
  raw.frames = moves ? Math.max(end > source.size ? 2 : 1, frames) : 1;
  return raw;
}

/** Returns the type of the chunk at `at` and the length of its data. */
export async function riffChunkAt(windows: Windows, at: number): Promise<{ type: string; length: number }> {
  const head = await windows.at(at, RIFF_CHUNK_BYTES);
  return { type: latin1(head.subarray(0, 4)), length: littleEndian(head.subarray(4, 8)) };
}

function sizeIn(head: Uint8Array): { width: number; height: number } {
  try {
    const { width, height } = imageSize(head);
    return { width, height };
  } catch (error) {
    throw new Rejected("corrupt", { cause: error });
  }
}
