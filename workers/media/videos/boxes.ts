/** Reads the boxes of ISO base media files: a size, a type of four characters, and contents, which may be boxes. */
import { Rejected } from "../inspection/rejections.ts";

/** A box: the offsets of its start, its contents and its end. */
export type Box = { type: string; start: number; content: number; end: number };

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

/** Returns the boxes in `parent`, whose offsets refer to `bytes`. Throws `corrupt` unless each lies within it. */
export function boxesIn(bytes: Uint8Array, parent: Box): Box[] {
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

/** Renames a box to `free` in `bytes`, so that parsers skip it. */
export const hide = (bytes: Uint8Array, { start }: Box): void => bytes.set(FREE, start + 4);
