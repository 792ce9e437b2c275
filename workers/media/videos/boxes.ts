/** The boxes of ISO base media files: a size, a type of four characters, and contents, which may be boxes again. */
import { Rejected } from "../inspection/rejections.ts";

/** Where a box begins, where its contents do, and where it ends. */
export type Box = { type: string; start: number; content: number; end: number };

/** Of a box with a size of 64 bits, which is the longest. */
export const HEADER_BYTES = 16;
export const FREE = [0x66, 0x72, 0x65, 0x65];

/**
 * The box whose header is at `at` of `bytes`. The first of these is at `base` of the file, where a box that says that it
 * goes on to the end goes on to `limit`. Undefined where no header can be.
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
  // Beyond 2^53 a number is no exact one, and no file is that long.
  if (large < 16 || !Number.isSafeInteger(start + large)) return undefined;
  return { type, start, content: start + 16, end: start + large };
}

/** The boxes in `parent`, which lies in `bytes`. Each must lie in it as a whole. */
export function boxesIn(bytes: Uint8Array, parent: Box): Box[] {
  const boxes: Box[] = [];
  for (let at = parent.content; parent.end - at >= 8;) {
    const box = headerAt(bytes.subarray(0, parent.end), at, 0, 0);
    // Only a box of the file itself may go on to its end: here `limit` is 0.
    if (!box || box.end > parent.end || box.end <= at) throw new Rejected("corrupt");
    boxes.push(box);
    at = box.end;
  }
  return boxes;
}

export const hide = (bytes: Uint8Array, { start }: Box): void => bytes.set(FREE, start + 4);
