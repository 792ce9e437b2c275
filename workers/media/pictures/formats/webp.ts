/** Reads a WebP: its chunks by ranges, without decoding any. */
import { imageSize } from "image-size";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { littleEndian, latin1 } from "../../bytes/fields.ts";
import { BLOCK_BYTES, checkFrames, keep, emptyHeader, type RawHeader, SEGMENTS_MAX } from "./raw-header.ts";
import { windowsOf } from "../../bytes/windows.ts";

/** "RIFF", a length, "WEBP". */
const FILE_HEADER_BYTES = 12;

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
    const start = await windows.at(at, 8);
    const [type, length] = [latin1(start.subarray(0, 4)), littleEndian(start.subarray(4, 8))];
    const data = () => windows.at(at + 8, Math.min(length, BLOCK_BYTES));
    if (type === "ANMF") checkFrames((frames += 1));
    else if (type === "ICCP") raw.icc = (await data()).slice();
    else if (type === "XMP ") keep(raw, "xmp", await data());
    else if (type === "EXIF") {
      const block = await data();
      keep(raw, "exif", latin1(block.subarray(0, 6)) === "Exif\0\0" ? block.subarray(6) : block);
    }
    at += 8 + length + (length % 2);
  }
  if (end < source.size) raw.carries.add("trailer");
  raw.frames = Math.max(1, frames);
  return raw;
}

function sizeIn(head: Uint8Array): { width: number; height: number } {
  try {
    const { width, height } = imageSize(head);
    return { width, height };
  } catch (error) {
    throw new Rejected("corrupt", { cause: error });
  }
}
