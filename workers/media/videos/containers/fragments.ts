/** Checks the index of a fragment (moof). Like that of the file, it may not claim more than it has bytes for. */
import { Rejected } from "../../files/rejections.ts";
import { type Box, boxesIn, headerAt, hide } from "../../bytes/boxes.ts";
import { FRAGMENT_BOXES_MAX, PACKETS_MAX } from "./limits.ts";
import { addRange, type Range } from "./sample-ranges.ts";

const NEEDED = new Set(["tfhd", "tfdt", "trun"]);
/** Flags of the fields that each packet may have in a run (trun), 4 bytes each. */
const FIELDS = [0x100, 0x200, 0x400, 0x800];
/** Flags of a run, and of the header of a track fragment (tfhd). */
const RUN = { offset: 0x1, firstFlags: 0x4, duration: 0x100, size: 0x200 };
const HEADER = { base: 0x1, description: 0x2, duration: 0x8, size: 0x10, fromFragment: 0x20000 };

/** What is known of all fragments of a file. */
export type Fragments = {
  /** The number of packets so far, of tracks that are kept, by id. */
  packets: Map<number, number>;
  /** The size of packets that state none, by the id of their track. */
  sizes: ReadonlyMap<number, number>;
  ranges: Range[];
};

/** Where the packets of a fragment are: those of the first track in it, and those behind the last run of each track. */
type Places = { start: number; implicit: number; next: Map<number, number> };

/**
 * Checks the fragment at `start` in the file, and hides the boxes the demuxer does not need. Adds its packets to the
 * counts of their tracks, and where they are to the ranges.
 */
export function checkFragment(bytes: Uint8Array, start: number, fragments: Fragments): void {
  const moof = headerAt(bytes, 0, 0, 0);
  if (!moof || moof.end !== bytes.length) throw new Rejected("corrupt");
  const children = boxesIn(bytes, moof);
  if (children.length > FRAGMENT_BOXES_MAX) throw new Rejected("too_complex");
  const places = { start, implicit: start, next: new Map<number, number>() };
  for (const child of children) {
    if (child.type === "traf") checkTrackFragment(bytes, child, places, fragments);
    else if (child.type !== "mfhd") hide(bytes, child);
  }
}

function checkTrackFragment(bytes: Uint8Array, traf: Box, places: Places, fragments: Fragments): void {
  const { packets, sizes, ranges } = fragments;
  let header: ReturnType<typeof headerOf> | undefined;
  let count = 0;
  const boxes = boxesIn(bytes, traf);
  if (boxes.length > PACKETS_MAX) throw new Rejected("too_complex");
  for (const box of boxes) {
    if (!NEEDED.has(box.type)) {
      hide(bytes, box);
      continue;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + box.content, box.end - box.content);
    // Every needed box has at least 8 bytes.
    if (view.byteLength < 8) throw new Rejected("corrupt");
    if (box.type === "tfhd") {
      if (header) throw new Rejected("corrupt");
      header = headerOf(view, places);
    }
    if (box.type !== "trun") continue;
    if (!header) throw new Rejected("corrupt");
    const { track, base, size = sizes.get(header.track) ?? 0 } = header;
    const run = runOf(view, size);
    const isServed = packets.has(track);
    const from = run.offset === undefined ? (places.next.get(track) ?? base) : base + run.offset;
    addRange(ranges, { from, to: from + run.bytes, isServed });
    places.next.set(track, from + run.bytes);
    // Where a track begins that does not say so: where the last one ends that the demuxer sees.
    if (isServed) places.implicit = from + run.bytes;
    count += run.count;
  }
  const track = header?.track ?? 0;
  if (count === 0) places.next.delete(track);
  const sum = (packets.get(track) ?? 0) + count;
  if (packets.has(track) && sum > PACKETS_MAX) throw new Rejected("too_complex");
  if (packets.has(track)) packets.set(track, sum);
  else hide(bytes, traf);
}

/** Reads the header of a track fragment: its track, where its packets begin, and the size of those that state none. */
function headerOf(view: DataView, { start, implicit }: Places): { track: number; base: number; size?: number } {
  const flags = view.getUint32(0) & 0xffffff;
  let at = 8;
  const skip = (flag: number, bytes: number): number | undefined => {
    if (!(flags & flag)) return undefined;
    at += bytes;
    if (at > view.byteLength) throw new Rejected("corrupt");
    return at - bytes;
  };
  const baseAt = skip(HEADER.base, 8);
  skip(HEADER.description, 4);
  skip(HEADER.duration, 4);
  const sizeAt = skip(HEADER.size, 4);
  const other = flags & HEADER.fromFragment ? start : implicit;
  return {
    track: view.getUint32(4),
    base: baseAt === undefined ? other : Number(view.getBigUint64(baseAt)),
    ...(sizeAt !== undefined && { size: view.getUint32(sizeAt) }),
  };
}

/** Reads a run: the number of its packets, their bytes together, and where they begin, unless behind the run before. */
function runOf(view: DataView, size: number): { count: number; bytes: number; offset?: number } {
  const flags = view.getUint32(0) & 0xffffff;
  const count = view.getUint32(4);
  const each = FIELDS.filter((flag) => flags & flag).length * 4;
  const before = 8 + (flags & RUN.offset ? 4 : 0) + (flags & RUN.firstFlags ? 4 : 0);
  if (before + count * each > view.byteLength) throw new Rejected("corrupt");
  if (count > PACKETS_MAX) throw new Rejected("too_complex");
  let bytes = count * size;
  if (flags & RUN.size) {
    bytes = 0;
    const sizeAt = before + (flags & RUN.duration ? 4 : 0);
    for (let packet = 0; packet < count; packet += 1) bytes += view.getUint32(sizeAt + packet * each);
  }
  return { count, bytes, ...(flags & RUN.offset && { offset: view.getInt32(8) }) };
}
