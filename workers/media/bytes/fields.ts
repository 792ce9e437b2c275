/** Reads and writes the fields of binary formats: numbers and texts. */
import { readUint } from "../../../schema/bytes.ts";
import { Rejected } from "../files/rejections.ts";

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
  return { left: () => bytes.length - at, uint: (length) => readUint(take(length)), take };
}

export const littleEndian = (bytes: Uint8Array): number => bytes.reduceRight((value, byte) => value * 256 + byte, 0);

/** Decodes one character per byte. */
export const latin1 = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

/** Writes a big-endian number of 32 bits. */
export const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);

/** Writes a text of ASCII characters, such as the type of a chunk. */
export const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
