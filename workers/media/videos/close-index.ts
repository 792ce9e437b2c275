/**
 * Moves the packets of a copy close to its index. The muxer reserves about 35 bytes a packet for the index, of which it
 * uses about 4. A player that meets the unused rest requests the packets anew, which costs it a round trip before the
 * first frame.
 */
import { readUint } from "../../../schema/bytes.ts";
import { type Box, boxesIn, FREE, headerAt } from "../bytes/boxes.ts";
import type { Sink } from "./multipart.ts";

/** Room for edit lists, which are added after the muxer has written its index, and for the box that fills the rest. */
const SPARE = 512;
const SIZE_BYTES = 4;

/**
 * Returns a sink for the muxer, and a function that writes the index, once all else is written. `indexBytes` is at least
 * the size of the index; without it, packets stay where the muxer has put them.
 */
export function closeIndex(sink: Sink, indexBytes: number | undefined) {
  let begin = 0; // Where the index begins.
  let packets: number | undefined; // Where the box of the packets begins, as the muxer sees it.
  let moved = 0;

  const take: Sink = async (position, bytes) => {
    if (position === 0) {
      begin = headerAt(bytes, 0, 0, 0)?.end ?? 0;
      return sink(0, bytes);
    }
    let from = 0;
    if (packets === undefined) {
      // Zeros for the index come first. The box behind them begins with a 1, as its size is in its longer field.
      from = bytes.findIndex((byte) => byte !== 0) - SIZE_BYTES + 1;
      if (from < 0) return;
      packets = position + from;
      if (indexBytes !== undefined) moved = Math.max(0, packets - begin - indexBytes - SPARE);
    }
    // The index itself is written at the end.
    if (position + from >= packets) await sink(position + from - moved, bytes.subarray(from));
  };

  const writeIndex = async (index: Uint8Array): Promise<void> => {
    const free = (packets ?? 0) - moved - begin - index.length;
    if (free < 8) throw new Error(`the index takes ${index.length} bytes, ${8 - free} too many`);
    moveChunks(index, moved);
    await sink(begin, index);
    await sink(begin + index.length, new Uint8Array([free >>> 24, free >>> 16, free >>> 8, free, ...FREE]));
  };

  return { take, writeIndex };
}

/** The boxes on the way to the lists of chunks, and these lists, with the bytes of their entries. */
const OUTER = new Set(["moov", "trak", "mdia", "minf", "stbl"]);
const ENTRY_BYTES: Record<string, number> = { stco: 4, co64: 8 };

/** Subtracts `bytes` from where the chunks of packets begin. */
function moveChunks(index: Uint8Array, bytes: number): void {
  const visit = (box: Box): void => {
    if (OUTER.has(box.type)) boxesIn(index, box).forEach(visit);
    const size = ENTRY_BYTES[box.type];
    if (size === undefined) return;
    const view = new DataView(index.buffer, index.byteOffset, index.byteLength);
    const count = readUint(index.subarray(box.content + 4, box.content + 8));
    for (let at = box.content + 8; at < box.content + 8 + count * size; at += size) {
      if (size === 4) view.setUint32(at, view.getUint32(at) - bytes);
      else view.setBigUint64(at, view.getBigUint64(at) - BigInt(bytes));
    }
  };
  visit({ type: "moov", start: 0, content: 8, end: index.length });
}
