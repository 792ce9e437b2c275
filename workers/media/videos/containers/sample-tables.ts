/** Checks the index boxes that state how many entries follow, so that no parser allocates memory for a false count. */
import { Rejected } from "../../files/rejections.ts";
import type { Box } from "../../bytes/boxes.ts";
import { type Edit, readEdits } from "./edit-lists.ts";
import { DESCRIPTION_BYTES_MAX, DESCRIPTIONS_MAX, PACKETS_MAX } from "./limits.ts";

/**
 * What a box states about its track: its id, the number of packets with a time, and of those with a size, its edits, and
 * how many units of time a second has; for fragments, the size of packets that state none.
 */
export type TableContents = {
  id?: number;
  timed?: number;
  sized?: number;
  edits?: Edit[];
  scale?: number;
  size?: number;
};

/** Checks one box and returns what it states. Throws `Rejected` if it states more than it holds, or too much. */
export function checkTable(bytes: Uint8Array, box: Box): TableContents {
  const view = new DataView(bytes.buffer, bytes.byteOffset + box.content, box.end - box.content);
  const check = CHECKS[box.type];
  return check ? check(view) : {};
}

const CHECKS: Record<string, (view: DataView) => TableContents> = {
  mvhd: (view) => ({ scale: positive(view.getUint32(inLong(view, 100, 112) ? 20 : 12)) }),
  mdhd: (view) => ({ scale: positive(view.getUint32(inLong(view, 24, 36) ? 20 : 12)) }),
  tkhd: (view) => ({ id: positive(view.getUint32(inLong(view, 84, 96) ? 20 : 12)) }),
  hdlr: (view) => {
    atLeast(view, 12);
    return {};
  },
  trex: (view) => {
    atLeast(view, 24);
    return { id: view.getUint32(4), size: view.getUint32(16) };
  },
  elst: (view) => ({ edits: readEdits(view) }),
  stsd: (view) => {
    const descriptions = entries(view, 4, 8);
    if (descriptions > DESCRIPTIONS_MAX || view.byteLength > DESCRIPTION_BYTES_MAX) throw new Rejected("too_complex");
    return {};
  },
  stts: (view) => ({ timed: runs(view) }),
  ctts: (view) => {
    runs(view);
    return {};
  },
  stsz: (view) => {
    atLeast(view, 12);
    const sized = view.getUint32(8);
    // If all sizes are equal there is no table, so nothing else bounds the number.
    if (sized > PACKETS_MAX) throw new Rejected(view.getUint32(4) === 0 ? tooMany(view, 8, 4) : "too_complex");
    if (view.getUint32(4) === 0) entries(view, 8, 4);
    return { sized };
  },
  stz2: (view) => {
    atLeast(view, 12);
    const [bits, sized] = [view.getUint8(7), view.getUint32(8)];
    if (![4, 8, 16].includes(bits)) throw new Rejected("corrupt");
    atMost(entries(view, 8, bits / 8));
    return { sized };
  },
  stss: (view) => {
    atMost(entries(view, 4, 4));
    return {};
  },
  stsc: (view) => {
    let before = 0;
    for (let index = 0; index < atMost(entries(view, 4, 12)); index += 1) {
      const [first, packets] = [view.getUint32(8 + index * 12), view.getUint32(12 + index * 12)];
      if (first <= before || packets > PACKETS_MAX) throw new Rejected("corrupt");
      before = first;
    }
    return {};
  },
  stco: (view) => {
    atMost(entries(view, 4, 4));
    return {};
  },
  co64: (view) => {
    atMost(entries(view, 4, 8));
    return {};
  },
};

function atLeast(view: DataView, bytes: number): void {
  if (view.byteLength < bytes) throw new Rejected("corrupt");
}

/** Whether a box has 64-bit times. It must have `long` bytes then and `short` otherwise, or is `corrupt`. */
function inLong(view: DataView, short: number, long: number): boolean {
  atLeast(view, short);
  if (view.getUint8(0) !== 1) return false;
  atLeast(view, long);
  return true;
}

function positive(value: number): number {
  if (value === 0) throw new Rejected("corrupt");
  return value;
}

function atMost(count: number): number {
  if (count > PACKETS_MAX) throw new Rejected("too_complex");
  return count;
}

/** Returns the count at `at`. Throws `corrupt` unless that many entries of `size` bytes follow. */
function entries(view: DataView, at: number, size: number): number {
  atLeast(view, at + 4);
  const count = view.getUint32(at);
  if (count * size > view.byteLength - at - 4) throw new Rejected("corrupt");
  return count;
}

const tooMany = (view: DataView, at: number, size: number) =>
  view.getUint32(at) * size > view.byteLength - at - 4 ? "corrupt" : "too_complex";

/** Returns the number of packets in a run-length table, each entry of which is a count and a value. */
function runs(view: DataView): number {
  const count = entries(view, 4, 8);
  let packets = 0;
  for (let index = 0; index < count; index += 1) packets = atMost(packets + view.getUint32(8 + index * 8));
  return packets;
}
