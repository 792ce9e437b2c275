/**
 * Filters the messages between the pictures of H.264 and H.265 (supplemental enhancement information, ITU-T H.264, annex
 * D). Decoding never depends on them. Some carry any bytes, such as user data (4 and 5), others the time of day.
 */
import { Rejected } from "../../files/rejections.ts";

/** The messages that change how or where playback may start or how a picture looks, with the most bytes of each. */
const KEPT: ReadonlyMap<number, number> = new Map([
  [6, 8], // Where decoding may begin without a key frame.
  [45, 32], // Two pictures in one, for 3D.
  [47, 8], // Rotation of the display.
  [137, 24], // Brightness and colours of the display that a film was mastered on.
  [144, 4], // The brightest picture.
  [147, 1], // The curve of brightness.
]);

/** The most bytes of the needed messages in a unit, which has one of a kind. */
const KEPT_BYTES_MAX = 1024;

/**
 * Returns a unit with the needed messages alone, itself if it has no others, or undefined if it has none. Throws
 * `too_complex` for more than KEPT_BYTES_MAX.
 */
export function withoutMessages(unit: Uint8Array, headerBytes: number): Uint8Array | undefined {
  const bytes = withoutEscapes(unit.subarray(headerBytes));
  const kept: number[] = [];
  let at = 0;
  let isClean = true;
  while (!isEnd(bytes, at)) {
    const type = sumAt(bytes, at);
    const length = sumAt(bytes, type.end);
    const end = length.end + length.value;
    // What is behind the last whole message is none.
    if (end > bytes.length) {
      isClean = false;
      break;
    }
    if (length.value <= (KEPT.get(type.value) ?? -1)) kept.push(...bytes.subarray(at, end));
    else isClean = false;
    if (kept.length > KEPT_BYTES_MAX) throw new Rejected("too_complex");
    at = end;
  }
  if (kept.length === 0) return undefined;
  return isClean ? unit : new Uint8Array([...unit.subarray(0, headerBytes), ...withEscapes([...kept, END])]);
}

/** Whether only the mark of the end follows, and no more bytes. */
const isEnd = (bytes: Uint8Array, at: number): boolean => at === bytes.length - 1 && bytes[at] === END;

const END = 0x80;

/** Reads a number that is the sum of bytes, of which the first below 255 is the last. */
function sumAt(bytes: Uint8Array, from: number): { value: number; end: number } {
  let [value, at] = [0, from];
  for (; bytes[at] === 255; at += 1) value += 255;
  return { value: value + (bytes[at] ?? 0), end: at + 1 };
}

/** Removes emulation prevention bytes: a 3 after two zeros, which keeps a unit from containing a start code. */
export function withoutEscapes(bytes: Uint8Array): Uint8Array {
  // `filter` would collect the bytes as numbers, of 8 bytes each.
  const plain = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 3 && at >= 2 && bytes[at - 1] === 0 && bytes[at - 2] === 0) continue;
    plain[length] = byte;
    length += 1;
  }
  return plain.subarray(0, length);
}

function withEscapes(bytes: number[]): number[] {
  let zeros = 0;
  return bytes.flatMap((byte) => {
    const escaped = zeros === 2 && byte <= 3 ? [3, byte] : [byte];
    zeros = byte === 0 ? (zeros === 2 ? 1 : zeros + 1) : 0;
    return escaped;
  });
}
