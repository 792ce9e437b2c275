/** Reads the boxes of ISO/IEC 14496-12, which AVIF and HEIC files consist of. */
import { uintOf } from "../../../schema/bytes.ts";
import { Rejected } from "../inspection/rejections.ts";
import { type Cursor, cursorOf } from "./bytes.ts";
import { latin1, SEGMENTS_MAX } from "./parts.ts";
import type { Windows } from "./windows.ts";

/** `start` is the offset of the content, `end` that of the box's end: in the file, or in the bytes it was found in. */
export type Box = { type: string; start: number; end: number };

/** The largest box that is read whole. That of a grid of 1,000 tiles has less than 100 KB. */
const BOX_BYTES = 512 * 1024;

/** Returns the top-level boxes of a file. Bytes at its end that are too few for a box are ignored. */
export async function boxesOfFile(windows: Windows): Promise<Box[]> {
  const boxes: Box[] = [];
  for (let at = 0; at + 8 <= windows.size;) {
    const box = boxAt(await windows.at(at, 16), at, windows.size, true);
    boxes.push(box);
    if (boxes.length > SEGMENTS_MAX) throw new Rejected("too_many_segments");
    at = box.end;
  }
  return boxes;
}

/** Returns the boxes in the content of another box. It does not recurse, so the caller decides how deep to go. */
export function boxesIn(bytes: Uint8Array): (Box & { content: Uint8Array })[] {
  const boxes = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const box = boxAt(bytes.subarray(at, at + 16), at, bytes.length, false);
    boxes.push({ ...box, content: bytes.subarray(box.start, box.end) });
    at = box.end;
  }
  return boxes;
}

/** A size of 0 means up to the end of the file, 1 announces 64 bits, and less than the header's own is corrupt. */
function boxAt(head: Uint8Array, at: number, limit: number, mayBeLast: boolean): Box {
  const [short, type] = [uintOf(head.subarray(0, 4)), latin1(head.subarray(4, 8))];
  const headBytes = short === 1 ? 16 : 8;
  const size = short === 1 ? uintOf(head.subarray(8, 16)) : short === 0 && mayBeLast ? limit - at : short;
  if (size < headBytes || size > limit - at) throw new Rejected("corrupt");
  return { type, start: at + headBytes, end: at + size };
}

/** Reads the content of a box. Throws `too_complex` if it is too large. */
export async function readBox(windows: Windows, { start, end }: Box): Promise<Uint8Array> {
  if (end - start > BOX_BYTES) throw new Rejected("too_complex");
  return (await windows.at(start, end - start)).slice();
}

/** Follows a path of nested box types and returns the content of the last, or undefined if one is missing. */
export function descend(bytes: Uint8Array, ...path: string[]): Uint8Array | undefined {
  return path.reduce<Uint8Array | undefined>(
    (content, type) => content && boxesIn(content).find((box) => box.type === type)?.content,
    bytes,
  );
}

/** Reads the version and flags at the start of a box's content, and returns a cursor for the rest. */
export function versioned(content: Uint8Array): { version: number; flags: number; cursor: Cursor } {
  const cursor = cursorOf(content);
  return { version: cursor.uint(1), flags: cursor.uint(3), cursor };
}
