import { uintOf } from "../../../schema/bytes.ts";
import { Rejected } from "../inspection/rejections.ts";

export type Cursor = {
  left: () => number;
  /** An unsigned integer of 0 to 8 bytes, big-endian. */
  uint: (bytes: number) => number;
  take: (length: number) => Uint8Array;
};

/** Reads `bytes` from their beginning. What would go beyond their end makes the file `corrupt`. */
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
