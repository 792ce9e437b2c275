/**
 * Reads the boxes of ISO/IEC 14496-12, which MP4, QuickTime, AVIF and HEIC files consist of: a size, a type of four
 * characters, and contents, which may be boxes. Nothing here recurses, so the caller decides how deep to go.
 */
import { Rejected } from "../files/rejections.ts";
import { type Cursor, cursorOf } from "./fields.ts";

/** A box: the offsets of its start, its contents and its end. */
export type Box = { type: string; start: number; content: number; end: number };
/** A box without its header. */
export type BoxContent = { type: string; content: Uint8Array };

/** The longest header: that of a box with a 64-bit size. */
export const HEADER_BYTES = 16;
/** The type `free`, which every parser skips. */
export const FREE = [0x66, 0x72, 0x65, 0x65];

/**
 * Returns the box whose header is at `at` in `bytes`, or undefined if there is no valid header. `base` is the offset of
 * `bytes` in the file. A box that extends to the end of the file ends at `limit`.
 */
export function headerAt(bytes: Uint8Array, at: number, base: number, limit: number): Box | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  if (view.byteLength < 8) return undefined;
  const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
  const start = base + at;
  const size = view.getUint32(0);
  if (size === 0) return { type, start, content: start + 8, end: limit };
  if (size !== 1) return size < 8 ? undefined : { type, start, content: start + 8, end: start + size };
  if (view.byteLength < 16) return undefined;
  const large = Number(view.getBigUint64(8));
  // Numbers beyond 2^53 are not exact, and no file is that long.
  if (large < 16 || !Number.isSafeInteger(start + large)) return undefined;
  return { type, start, content: start + 16, end: start + large };
}

/**
 * Returns the boxes in `parent`, whose offsets refer to `bytes`. Throws `corrupt` unless each lies within it; bytes at
 * its end that are too few for a box are ignored.
 */
export function boxesIn(bytes: Uint8Array, parent: Pick<Box, "content" | "end">): Box[] {
  const boxes: Box[] = [];
  for (let at = parent.content; parent.end - at >= 8;) {
    const box = headerAt(bytes.subarray(0, parent.end), at, 0, 0);
    // Only a top-level box may extend to the end of the file, hence the `limit` of 0.
    if (!box || box.end > parent.end || box.end <= at) throw new Rejected("corrupt");
    boxes.push(box);
    at = box.end;
  }
  return boxes;
}

/** Returns the boxes that `bytes` consist of, like `boxesIn`. */
export const contentsOf = (bytes: Uint8Array): BoxContent[] =>
  boxesIn(bytes, { content: 0, end: bytes.length }).map(({ type, content, end }) => ({
    type,
    content: bytes.subarray(content, end),
  }));

/** Follows a path of nested box types and returns the content of the last, or undefined if one is missing. */
export const descend = (bytes: Uint8Array, ...path: string[]): Uint8Array | undefined =>
  path.reduce<Uint8Array | undefined>(
    (within, type) => within && contentsOf(within).find((box) => box.type === type)?.content,
    bytes,
  );

/** Reads the version and flags at the start of a box's content, and returns a cursor for the rest. */
export function versioned(content: Uint8Array): { version: number; flags: number; cursor: Cursor } {
  const cursor = cursorOf(content);
  return { version: cursor.uint(1), flags: cursor.uint(3), cursor };
}

/** Renames a box to `free` in `bytes`, so that parsers skip it. */
export const hide = (bytes: Uint8Array, { start }: Box): void => bytes.set(FREE, start + 4);
