/** The write-ahead log of a SQLite database, and the damage that a power cut may do to it. */
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";

const HEADER = 32;
/** A frame header and one page. */
const FRAME = 24 + 4096;

/** How far a log goes. A log that starts over has a new salt; the content of the old one is in the database by then. */
export type Extent = { salt: string; end: number };

export function extentOf(log: string): Extent {
  const bytes = readFileSync(log);
  return { salt: bytes.toString("hex", 16, 24), end: bytes.length };
}

/** Damages a log. Returns the offset of the first byte that is not as it was written. */
export type Damage = (log: string, random: () => number) => number;

export const DAMAGES: Record<string, Damage> = {
  "the last frame cut short": (log) => cut(log, statSync(log).size - 100),
  "cut before its middle": (log, random) => cut(log, somewhereIn(log, random, 2)),
  "the last frame zeroed": (log) => overwrite(log, statSync(log).size - FRAME, Buffer.alloc(FRAME)),
  "a bit flipped after its middle": (log, random) => flip(log, somewhereIn(log, random, 3)),
  "a bit flipped in the header of a frame": (log, random) => flip(log, frameIn(log, random) + 9),
  "garbage after its end": (log) => overwrite(log, statSync(log).size, Buffer.alloc(2 * FRAME, 0xa5)),
};

const somewhereIn = (log: string, random: () => number, quarter: number): number =>
  Math.floor((statSync(log).size / 4) * (quarter - random()));

/** The offset of a random frame in the third quarter. */
const frameIn = (log: string, random: () => number): number =>
  HEADER + Math.floor((somewhereIn(log, random, 3) - HEADER) / FRAME) * FRAME;

function cut(log: string, size: number): number {
  truncateSync(log, size);
  return size;
}

const flip = (log: string, at: number): number =>
  overwrite(log, at, Buffer.from([readFileSync(log).readUInt8(at) ^ 1]));

function overwrite(log: string, at: number, bytes: Buffer): number {
  const all = readFileSync(log);
  writeFileSync(log, Buffer.concat([all.subarray(0, at), bytes, all.subarray(at + bytes.length)]));
  return at;
}
