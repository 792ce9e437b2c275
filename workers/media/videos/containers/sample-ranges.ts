/**
 * Checks where the packets of a file lie. An index may point anywhere: at the place where a position is noted, or at a
 * track that is not served. So packets that are served must lie in the boxes for packets (mdat), each byte of them used
 * once.
 */
import { type Box, type BoxContent, contentsOf, descend } from "../../bytes/boxes.ts";
import { Rejected } from "../../files/rejections.ts";
import { RANGES_MAX, SIZES_ADDED_MAX } from "./limits.ts";

/** Bytes of the file that belong to a track: a chunk of its packets, or a run of them in a fragment. */
export type Range = { from: number; to: number; isServed: boolean };

/** Adds a range unless it is empty. Throws `too_complex` if there are too many. */
export function addRange(ranges: Range[], range: Range): void {
  if (range.to <= range.from) return;
  if (ranges.length === RANGES_MAX) throw new Rejected("too_complex");
  ranges.push(range);
}

/**
 * Throws `corrupt` unless all ranges that are served lie in one of the boxes for packets each, and overlap no other. A
 * track that is not served may have its packets anywhere else. The last box may be cut off.
 */
export function checkRanges(ranges: Range[], boxes: readonly Box[]): void {
  const places = boxes.filter(({ type }) => type === "mdat").sort((a, b) => a.start - b.start);
  ranges.sort((a, b) => a.from - b.from);
  let place = 0;
  let [endOfServed, endOfAll] = [0, 0];
  for (const { from, to, isServed } of ranges) {
    while ((places[place]?.end ?? Infinity) <= from) place += 1;
    const within = places[place];
    const isInPlace = within !== undefined && from >= within.content && to <= within.end;
    if (isServed ? !isInPlace || from < endOfAll : isInPlace && from < endOfServed) throw new Rejected("corrupt");
    if (!isInPlace) continue;
    endOfAll = Math.max(endOfAll, to);
    if (isServed) endOfServed = Math.max(endOfServed, to);
  }
}

/**
 * Adds the ranges of the chunks that the sample table of a track lists. Throws `corrupt` for more than it has, and
 * `too_complex` if the demuxer would take too long to find the packets in them, or take the wrong description of their codec.
 */
export function addChunks(ranges: Range[], index: Uint8Array, track: Box, isServed: boolean): void {
  const table = descend(index.subarray(track.content, track.end), "mdia", "minf", "stbl");
  const [timed, chunks, offsets] = [timedOf(table), entriesOf(table, "stsc", 4, 12), offsetsOf(table)];
  const sizes = sizesOf(table);
  if (!chunks || !offsets || !sizes || timed === 0) return;
  const described = descriptionsLikeLast(table);
  let sample = 0;
  let added = 0;
  for (let entry = 0; entry < chunks.count; entry += 1) {
    const first = chunks.uint(entry, 0) - 1;
    const end = entry + 1 < chunks.count ? chunks.uint(entry + 1, 0) - 1 : offsets.count;
    const perChunk = chunks.uint(entry, 4);
    if (perChunk === 0 || first < 0 || end < first) throw new Rejected("corrupt");
    if (isServed && described && end > first && !described.has(chunks.uint(entry, 8)))
      throw new Rejected("too_complex");
    for (let chunk = first; chunk < end && sample < timed; chunk += 1) {
      if (chunk >= offsets.count) throw new Rejected("corrupt");
      const from = offsets.at(chunk);
      const next = Math.min(timed, sample + perChunk);
      addRange(ranges, { from, to: from + sizes.sum(sample, next), isServed });
      added += (next - sample) * perChunk;
      if (isServed && added > SIZES_ADDED_MAX) throw new Rejected("too_complex");
      sample = next;
    }
  }
}

/**
 * Returns the numbers of a track's descriptions of its codec that are like the last, which the demuxer uses for all packets.
 * Undefined if there is only one.
 */
function descriptionsLikeLast(table: Uint8Array | undefined): Set<number> | undefined {
  const box = table && descend(table, "stsd");
  const all = box ? contentsOf(box.subarray(BEFORE_DESCRIPTIONS)) : [];
  const last = all.at(-1);
  if (!last || all.length === 1) return undefined;
  const alike = ({ type, content }: BoxContent): boolean => type === last.type && areEqual(content, last.content);
  return new Set(all.flatMap((one, at) => (alike(one) ? [at + 1] : [])));
}

/** The version, the flags and the number of descriptions. */
const BEFORE_DESCRIPTIONS = 8;
const areEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

type Entries = { count: number; uint: (index: number, field: number) => number; view: DataView };

/** Returns a box's entries of `size` bytes, whose count is at `at`. */
function entriesOf(table: Uint8Array | undefined, type: string, at: number, size: number): Entries | undefined {
  const box = table && descend(table, type);
  if (!box) return undefined;
  const view = new DataView(box.buffer, box.byteOffset, box.length);
  if (box.length < at + 4) throw new Rejected("corrupt");
  const count = view.getUint32(at);
  if (count * size > box.length - at - 4) throw new Rejected("corrupt");
  return { count, uint: (index, field) => view.getUint32(at + 4 + index * size + field), view };
}

/** Returns the number of packets that have a time. The demuxer returns as many, and no more. */
function timedOf(table: Uint8Array | undefined): number {
  const times = entriesOf(table, "stts", 4, 8);
  let timed = 0;
  for (let index = 0; index < (times?.count ?? 0); index += 1) timed += times?.uint(index, 0) ?? 0;
  return timed;
}

function offsetsOf(table: Uint8Array | undefined) {
  const short = entriesOf(table, "stco", 4, 4);
  const long = short ? undefined : entriesOf(table, "co64", 4, 8);
  if (short) return { count: short.count, at: (index: number) => short.uint(index, 0) };
  return long && { count: long.count, at: (index: number) => long.uint(index, 0) * 2 ** 32 + long.uint(index, 4) };
}

/** Returns a function that adds up the sizes of packets. Of packets beyond the table, each has the size of its last. */
function sizesOf(table: Uint8Array | undefined) {
  const equal = table && descend(table, "stsz");
  if (equal && equal.length >= 12) {
    const size = new DataView(equal.buffer, equal.byteOffset).getUint32(4);
    if (size !== 0) return { sum: (from: number, to: number) => (to - from) * size };
  }
  const sizes = entriesOf(table, "stsz", 8, 4) ?? compactSizes(table);
  if (!sizes || sizes.count === 0) return undefined;
  const { count, uint } = sizes;
  const sum = (from: number, to: number) => {
    let bytes = 0;
    for (let index = from; index < Math.min(to, count); index += 1) bytes += uint(index, 0);
    return bytes + Math.max(0, to - Math.max(from, count)) * uint(count - 1, 0);
  };
  return { sum };
}

/** Reads sizes of 4, 8 or 16 bits (stz2). */
function compactSizes(table: Uint8Array | undefined) {
  const box = table && descend(table, "stz2");
  if (!box || box.length < 12) return undefined;
  const view = new DataView(box.buffer, box.byteOffset, box.length);
  const [bits, count] = [view.getUint8(7), view.getUint32(8)];
  if (![4, 8, 16].includes(bits) || Math.ceil((count * bits) / 8) > box.length - 12) throw new Rejected("corrupt");
  const uint = (index: number): number => {
    if (bits === 16) return view.getUint16(12 + index * 2);
    if (bits === 8) return view.getUint8(12 + index);
    return (view.getUint8(12 + (index >> 1)) >> (index % 2 === 0 ? 4 : 0)) & 15;
  };
  return { count, uint };
}
