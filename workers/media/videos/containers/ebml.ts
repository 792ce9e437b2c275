/** Reads the elements of EBML (RFC 8794): an id, a size, and contents. The marker bit of an id is part of the id. */
import { readUint } from "../../../../schema/bytes.ts";
import { Rejected } from "../../files/rejections.ts";

/** An element: the offsets of its start, its contents and its end, which is undefined if its size is unknown. */
export type Element = { id: number; start: number; content: number; end: number | undefined };

/** The longest header: an id of 4 bytes and a size of 8. */
export const HEADER_BYTES = 12;

/**
 * Returns the element whose header is at `at` in `bytes`, or undefined. `base` is the offset of `bytes` in the file.
 */
export function elementAt(bytes: Uint8Array, at: number, base = 0): Element | undefined {
  const idLength = lengthAt(bytes, at, 4);
  const sizeLength = idLength && lengthAt(bytes, at + idLength, 8);
  if (!idLength || !sizeLength) return undefined;
  const content = at + idLength + sizeLength;
  const id = unsignedOf(bytes.subarray(at, at + idLength));
  const size = bytes.slice(at + idLength, content);
  // Removes the marker, the highest bit set in the first byte.
  const mask = 0xff >> sizeLength;
  size[0] = (size[0] ?? 0) & mask;
  const known = size[0] !== mask || size.subarray(1).some((byte) => byte !== 0xff);
  const end = base + content + unsignedOf(size);
  if (known && !Number.isSafeInteger(end)) return undefined;
  return { id, start: base + at, content: base + content, end: known ? end : undefined };
}

// The number of leading zero bits gives the length in bytes.
function lengthAt(bytes: Uint8Array, at: number, longest: number): number | undefined {
  const first = bytes[at];
  if (!first) return undefined;
  const length = Math.clz32(first) - 23;
  return length > longest || at + length > bytes.length ? undefined : length;
}

/** Returns the elements in `bytes` from `from` to `to`. Throws `corrupt` unless each has a known size and fits. */
export function elementsIn(bytes: Uint8Array, from: number, to: number): (Element & { end: number })[] {
  const elements: (Element & { end: number })[] = [];
  for (let at = from; at < to;) {
    const element = elementAt(bytes.subarray(0, to), at);
    if (element?.end === undefined || element.end > to) throw new Rejected("corrupt");
    elements.push({ ...element, end: element.end });
    at = element.end;
  }
  return elements;
}

/** Reads an unsigned integer of up to 8 bytes. Beyond 2^53 it is not exact. */
export const unsignedOf = (bytes: Uint8Array): number => readUint(bytes.subarray(0, 8));

/** Reads a floating-point number of 4 or 8 bytes; NaN for any other length. */
export function floatOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 4) return view.getFloat32(0);
  return bytes.length === 8 ? view.getFloat64(0) : NaN;
}
