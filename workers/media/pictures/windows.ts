/** A file from front to back: what lies near together is read at once, and what is jumped over is not read at all. */
import type { ByteSource } from "../inspection/byte-source.ts";

/** Enough for the metadata of most photographs. In bytes, as all here. */
const FIRST = 64 * 1024;
/** After a jump over more than would have been read, because what lies there may be a few bytes before the next. */
const AFTER_JUMP = 16 * 1024;
const LARGEST = 1024 * 1024;

export type Windows = {
  readonly size: number;
  /** The `length` bytes from `offset` on; fewer where the file ends. */
  at: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
  /** What is in memory from `offset` on: at least `length` bytes, unless the file ends there. */
  from: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
};

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
