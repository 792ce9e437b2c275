/**
 * Keeps of a packet of AV1 what decoders need. Beside pictures, its units may be metadata in any format (ITU-T T.35), time
 * codes, and padding.
 */
import { concatBytes } from "../../../../schema/bytes.ts";
import { Rejected } from "../../files/rejections.ts";
import { cursorOf } from "../../bytes/fields.ts";
import { UNITS_MAX } from "../containers/limits.ts";

/** Sequence header, frame header, tile group, frame, redundant frame header. */
const PICTURES = new Set([1, 3, 4, 6, 7]);
const METADATA = 5;
/** The most bytes of the metadata that are kept, by their type: the brightest picture, and the display of a film's master. */
const KEPT: ReadonlyMap<number, number> = new Map([
  [1, 6],
  [2, 26],
]);
/** A size takes at most 8 bytes, with 7 bits each. */
const SIZE_BYTES_MAX = 8;

/**
 * Returns the packet without units that are not needed, or itself. Throws `corrupt` if it has none that is, and
 * `too_complex` for more than UNITS_MAX units.
 */
export function cleanAv1(packet: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = [];
  let hasPicture = false;
  const cursor = cursorOf(packet);
  for (let count = 1; cursor.left() > 0; count += 1) {
    if (count > UNITS_MAX) throw new Rejected("too_complex");
    const start = packet.length - cursor.left();
    const header = cursor.uint(1);
    const type = (header >> 3) & 15;
    if (header & 4) cursor.uint(1);
    const content = cursor.take(header & 2 ? sizeOf(cursor.uint) : cursor.left());
    const isPicture = PICTURES.has(type);
    hasPicture ||= isPicture;
    if (isPicture || (type === METADATA && content.length <= (KEPT.get(content[0] ?? 0) ?? 0)))
      kept.push(packet.subarray(start, packet.length - cursor.left()));
  }
  if (!hasPicture) throw new Rejected("corrupt");
  const bytes = kept.reduce((sum, { length }) => sum + length, 0);
  return bytes === packet.length ? packet : concatBytes(kept);
}

/** Reads a number in LEB128: 7 bits a byte, the lowest first. */
function sizeOf(next: (bytes: number) => number): number {
  let value = 0;
  for (let at = 0; at < SIZE_BYTES_MAX; at += 1) {
    const byte = next(1);
    value += (byte & 127) * 128 ** at;
    if (byte < 128) return value;
  }
  throw new Rejected("corrupt");
}
