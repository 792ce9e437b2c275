/** Reads a GIF: every block of it, because the length of each is only known from the block itself. */
import type { ByteSource } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { littleEndian, latin1 } from "../../bytes/fields.ts";
import { BLOCK_BYTES, BLOCKS_MAX, checkFrames, keep, emptyHeader, type RawHeader, SEGMENTS_MAX } from "./raw-header.ts";
import { checkSize } from "./size.ts";
import { type Windows, windowsOf } from "../../bytes/windows.ts";

export const SCREEN_BYTES = 13;
export const [EXTENSION, IMAGE, END] = [0x21, 0x2c, 0x3b] as const;
export const [CONTROL, COMMENT, APPLICATION] = [0xf9, 0xfe, 0xff] as const;
/** An image descriptor and the size of its first code. */
export const IMAGE_BYTES = 11;

/** Reads the size, the frames and the metadata of a GIF. */
export async function readGif(source: ByteSource): Promise<RawHeader> {
  const windows = windowsOf(source);
  const raw = emptyHeader();
  const screen = await windows.at(0, SCREEN_BYTES);
  raw.width = littleEndian(screen.subarray(6, 8));
  raw.height = littleEndian(screen.subarray(8, 10));

  let frames = 0;
  let at = SCREEN_BYTES + coloursOf(screen[10]);
  for (let blocks = 0; at < source.size; blocks += 1) {
    if (blocks > SEGMENTS_MAX) throw new Rejected("too_many_segments");
    const head = await windows.at(at, 14);
    if (head[0] === IMAGE) {
      const [width, height] = [littleEndian(head.subarray(5, 7)), littleEndian(head.subarray(7, 9))];
      checkSize({ width, height });
      raw.framePixels = Math.max(raw.framePixels ?? 0, width * height);
      checkFrames((frames += 1));
      at = (await endOfBlocks(windows, at + IMAGE_BYTES + coloursOf(head[9]))) ?? source.size;
    } else if (head[0] === EXTENSION) {
      await readExtension(windows, at, head, raw);
      at = (await endOfBlocks(windows, at + 2)) ?? source.size;
    } else {
      if (head[0] === END && at + 1 < source.size) raw.carries.add("trailer");
      break;
    }
  }
  raw.frames = Math.max(1, frames);
  return raw;
}

/** Returns the size in bytes of the colour table that `flags` announce. */
export const coloursOf = (flags = 0): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

async function readExtension(windows: Windows, at: number, head: Uint8Array, raw: RawHeader): Promise<void> {
  if (head[1] === COMMENT) raw.carries.add("comment");
  if (head[1] !== APPLICATION) return;
  const name = latin1(head.subarray(3, 14));
  // The XMP text is not divided into blocks; 256 bytes after it lead any reader of blocks to the end.
  if (name === "XMP DataXMP" && raw.xmp.length < BLOCKS_MAX) keep(raw, "xmp", await windows.at(at + 14, BLOCK_BYTES));
}

/**
 * Returns the end of the blocks that begin at `at`, or undefined if the file ends before them. Each has its length before
 * it, and the last is empty.
 */
export async function endOfBlocks(windows: Windows, at: number): Promise<number | undefined> {
  for (let bytes = await windows.from(at, 1); bytes.length > 0; bytes = await windows.from(at, 1)) {
    let within = 0;
    while (within < bytes.length) {
      const length = bytes[within] ?? 0;
      within += 1 + length;
      if (length === 0) return at + within;
    }
    at += within;
  }
  return undefined;
}
