/** Checks the index of a fragment (moof). Like that of the file, it may not claim more than it has bytes for. */
import { Rejected } from "../../files/rejections.ts";
import { type Box, boxesIn, headerAt, hide } from "../../bytes/boxes.ts";
import { PACKETS_MAX } from "./limits.ts";

/** Boxes directly in one moof, mostly track fragments (traf): a track has one, seldom two. */
const CHILDREN_MAX = 64;
const NEEDED = new Set(["tfhd", "tfdt", "trun"]);
/** Flags of the fields that each packet may have in a run (trun), 4 bytes each. */
const FIELDS = [0x100, 0x200, 0x400, 0x800];

/** Checks a fragment, hides the boxes the demuxer does not need, and adds its packets to the counts of their tracks. */
export function checkFragment(bytes: Uint8Array, packets: Map<number, number>): void {
  const moof = headerAt(bytes, 0, 0, 0);
  if (!moof || moof.end !== bytes.length) throw new Rejected("corrupt");
  const children = boxesIn(bytes, moof);
  if (children.length > CHILDREN_MAX) throw new Rejected("too_complex");
  for (const child of children) {
    if (child.type === "traf") checkTrackFragment(bytes, child, packets);
    else if (child.type !== "mfhd") hide(bytes, child);
  }
}

function checkTrackFragment(bytes: Uint8Array, traf: Box, packets: Map<number, number>): void {
  let track = 0;
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
    if (box.type === "tfhd") track = view.getUint32(4);
    if (box.type === "trun") count += packetsOf(view);
  }
  const sum = (packets.get(track) ?? 0) + count;
  if (sum > PACKETS_MAX) throw new Rejected("too_complex");
  if (packets.has(track)) packets.set(track, sum);
  else hide(bytes, traf);
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
