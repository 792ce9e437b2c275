/** The index of a fragment (moof): like the one of the file, it is believed only as far as it has bytes. */
import { Rejected } from "../inspection/rejections.ts";
import { type Box, boxesIn, headerAt, hide } from "./boxes.ts";
import { PACKETS_MAX } from "./limits.ts";

/** Parts of one fragment: a track has one, seldom two. */
const PARTS_MAX = 64;
const NEEDED = new Set(["tfhd", "tfdt", "trun"]);
/** The fields that each packet may have in a run, 4 bytes each. */
const FIELDS = [0x100, 0x200, 0x400, 0x800];

/** Checks a fragment, hides in it what is not needed, and adds its packets to those of their tracks. */
export function checkFragment(bytes: Uint8Array, packets: Map<number, number>): void {
  const moof = headerAt(bytes, 0, 0, 0);
  if (!moof || moof.end !== bytes.length) throw new Rejected("corrupt");
  const parts = boxesIn(bytes, moof);
  if (parts.length > PARTS_MAX) throw new Rejected("too_complex");
  for (const part of parts) {
    if (part.type === "traf") checkPart(bytes, part, packets);
    else if (part.type !== "mfhd") hide(bytes, part);
  }
}

function checkPart(bytes: Uint8Array, part: Box, packets: Map<number, number>): void {
  let track = 0;
  let count = 0;
  const boxes = boxesIn(bytes, part);
  if (boxes.length > PACKETS_MAX) throw new Rejected("too_complex");
  for (const box of boxes) {
    if (!NEEDED.has(box.type)) {
      hide(bytes, box);
      continue;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + box.content, box.end - box.content);
    // The defaults of a fragment, all five of them, where they are there.
    if (view.byteLength < 8) throw new Rejected("corrupt");
    if (box.type === "tfhd") track = view.getUint32(4);
    if (box.type === "trun") count += packetsOf(view);
  }
  const sum = (packets.get(track) ?? 0) + count;
  if (sum > PACKETS_MAX) throw new Rejected("too_complex");
  if (packets.has(track)) packets.set(track, sum);
  else hide(bytes, part);
}

function packetsOf(view: DataView): number {
  const flags = view.getUint32(0) & 0xffffff;
  const count = view.getUint32(4);
  const each = FIELDS.filter((flag) => flags & flag).length * 4;
  const before = 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  if (before + count * each > view.byteLength) throw new Rejected("corrupt");
  if (count > PACKETS_MAX) throw new Rejected("too_complex");
  return count;
}
