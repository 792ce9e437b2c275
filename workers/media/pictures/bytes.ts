import { uintOf } from "../../../schema/bytes.ts";
import { Rejected } from "../inspection/rejections.ts";

export type Cursor = {
  /** The number of bytes left. */
  left: () => number;
  /** Reads a big-endian unsigned integer of 0 to 8 bytes. */
  uint: (bytes: number) => number;
  /** Takes the next `length` bytes. */
  take: (length: number) => Uint8Array;
};

/** Reads `bytes` from the beginning. Reading beyond the end throws `corrupt`. */
export function cursorOf(bytes: Uint8Array): Cursor {
  let at = 0;
  const take = (length: number) => {
    if (length > bytes.length - at) throw new Rejected("corrupt");
    at += length;
    return bytes.subarray(at - length, at);
  };
  return { left: () => bytes.length - at, uint: (length) => uintOf(take(length)), take };
}

export const littleEndian = (bytes: Uint8Array): number => bytes.reduceRight((value, byte) => value * 256 + byte, 0);
