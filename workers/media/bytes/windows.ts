/** Reads a file from front to back in growing windows: nearby bytes are read together, skipped ones are not read. */
import type { ByteSource } from "./byte-source.ts";

/** The first window, enough for the metadata of most photographs. In bytes, like all sizes here. */
const FIRST = 64 * 1024;
/** The window after a jump over more than one window, because only a few bytes may be needed before the next jump. */
const AFTER_JUMP = 16 * 1024;
const LARGEST = 1024 * 1024;

export type Windows = {
  readonly size: number;
  /** Returns `length` bytes from `offset` on; fewer at the end of the file. */
  at: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
  /** Returns what is in memory from `offset` on: at least `length` bytes, unless the file ends before. */
  from: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
};

/** Reads `source` in windows. Holds one window in memory. */
export function windowsOf(source: ByteSource): Windows {
  let start = 0;
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  let next = FIRST;
  async function at(offset: number, length: number) {
    const end = Math.min(offset + length, source.size);
    if (!bytes || offset < start || end > start + bytes.length) {
      const gap = bytes ? offset - start - bytes.length : 0;
      const wanted = gap < next ? next : AFTER_JUMP;
      bytes = await source.read(offset, Math.max(length, wanted));
      start = offset;
      next = Math.min(wanted * 2, LARGEST);
    }
    return bytes.subarray(offset - start, Math.max(offset, end) - start);
  }
  const from = async (offset: number, length: number) => {
    const asked = await at(offset, length);
    return bytes?.subarray(offset - start) ?? asked;
  };
  return { size: source.size, at, from };
}
