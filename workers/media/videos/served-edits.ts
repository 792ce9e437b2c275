/**
 * Writes the edit lists of a copy whose video was trimmed. The muxer knows only edits that begin at the first packet
 * shown and end with the last, so its index is changed after it is written.
 */
import { concatBytes, readUint } from "../../../schema/bytes.ts";
import { type Box, boxesIn } from "../bytes/boxes.ts";
import { ascii, u32 } from "../bytes/fields.ts";
import type { Played } from "./containers/edit-lists.ts";

/**
 * Where fields of 32 bits are, in bytes from the start of their boxes: with times of 32 bits, and of 64. Of a longer
 * field it is the lower half, because no video lasts that long.
 */
const FIELDS = {
  "mvhd.scale": [20, 28],
  "mvhd.duration": [24, 36],
  "mdhd.scale": [20, 28],
  "tkhd.id": [20, 28],
  "tkhd.duration": [28, 40],
} as const;
type Field = keyof typeof FIELDS;

/** Returns the index of a copy (moov) with other edit lists for the tracks in `plays`, by their ids. */
export function withEdits(index: Uint8Array, plays: ReadonlyMap<number, Played>): Uint8Array {
  const movie = boxesIn(index, { content: 8, end: index.length });
  const movieScale = fieldIn(bytesOf(index, movie, "mvhd"), "mvhd.scale");
  let lasts = 0;
  const parts = movie.map((box) => {
    if (box.type !== "trak") return index.slice(box.start, box.end);
    const track = withEdit(index, box, movieScale, plays);
    lasts = Math.max(lasts, track.lasts);
    return track.bytes;
  });
  const header = parts.find((_, at) => movie[at]?.type === "mvhd");
  if (header) setField(header, "mvhd.duration", lasts);
  return boxed("moov", ...parts);
}

/** Returns a track with its edit list, and when it ends, in units of the movie. */
function withEdit(index: Uint8Array, trak: Box, movieScale: number, plays: ReadonlyMap<number, Played>) {
  const boxes = boxesIn(index, trak);
  const header = bytesOf(index, boxes, "tkhd");
  const played = plays.get(fieldIn(header, "tkhd.id"));
  const stated = fieldIn(header, "tkhd.duration");
  if (!played) return { bytes: index.slice(trak.start, trak.end), lasts: stated };
  const mediaScale = fieldIn(bytesOf(index, boxesIn(index, boxOf(boxes, "mdia")), "mdhd"), "mdhd.scale");
  // The first packet is at the time 0 of the media, and at this time of the movie.
  const begins = firstTime(index, boxes, movieScale, mediaScale);
  const from = Math.max(played.from, begins);
  const [start, end] = [
    Math.max(0, Math.round(from * movieScale)),
    Math.min(stated, Math.round(played.to * movieScale)),
  ];
  const edit = [end - start, Math.round((from - begins) * mediaScale), 0x10000];
  const entries = start > 0 ? [start, -1, 0x10000, ...edit] : edit;
  const edits = boxed("edts", boxed("elst", u32(0), u32(entries.length / 3), ...entries.map(u32)));
  const parts = boxes
    .filter(({ type }) => type !== "edts")
    .flatMap((box) => {
      const bytes = index.slice(box.start, box.end);
      if (box.type !== "tkhd") return [bytes];
      setField(bytes, "tkhd.duration", end);
      return [bytes, edits];
    });
  return { bytes: boxed("trak", ...parts), lasts: end };
}

/** Returns the time of the first packet in the movie, in seconds, from the edit list that the muxer wrote. */
function firstTime(index: Uint8Array, boxes: Box[], movieScale: number, mediaScale: number): number {
  const edits = boxes.find(({ type }) => type === "edts");
  if (!edits) return 0;
  const [list] = boxesIn(index, edits);
  if (!list) return 0;
  const view = new DataView(index.buffer, index.byteOffset + list.content, list.end - list.content);
  const [lasts, from] = [view.getUint32(8), view.getInt32(12)];
  return from === -1 ? lasts / movieScale : -from / mediaScale;
}

function boxOf(boxes: Box[], type: string): Box {
  const box = boxes.find((one) => one.type === type);
  if (!box) throw new Error(`the muxer has written no ${type} box`);
  return box;
}

const bytesOf = (index: Uint8Array, boxes: Box[], type: string): Uint8Array => {
  const { start, end } = boxOf(boxes, type);
  return index.slice(start, end);
};

/** The first byte after the header of a box is its version, which is 1 if its times have 64 bits. */
const placeOf = (box: Uint8Array, field: Field): number => FIELDS[field][box[8] === 1 ? 1 : 0];
const fieldIn = (box: Uint8Array, field: Field): number =>
  readUint(box.subarray(placeOf(box, field), placeOf(box, field) + 4));
const setField = (box: Uint8Array, field: Field, value: number): void => box.set(u32(value), placeOf(box, field));

function boxed(type: string, ...contents: Uint8Array[]): Uint8Array {
  const bytes = concatBytes([new Uint8Array(8), ...contents]);
  bytes.set(u32(bytes.length));
  bytes.set(ascii(type), 4);
  return bytes;
}
