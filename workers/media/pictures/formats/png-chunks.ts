/** The chunks that a PNG consists of, after its signature. */
import { concatBytes } from "../../../../schema/bytes.ts";
import { crc32 } from "../../bytes/crc32.ts";
import { ascii, u32 } from "../../bytes/fields.ts";

export const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** A length, a type, and a checksum. */
export const CHUNK_BYTES = 12;

/** Returns a chunk: its length, type, data and checksum. */
export function chunk(type: string, data: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const body = concatBytes([ascii(type), data]);
  return concatBytes([u32(data.length), body, u32(crc32(body))]);
}
