/**
 * Reads edit lists (ISO/IEC 14496-12, elst), by which cameras and editing apps say which part of a track plays. An app
 * that trims a video often changes nothing else, so the file still has what was cut away.
 */
import { Rejected } from "../../files/rejections.ts";
import { EDITS_MAX } from "./limits.ts";

/** A time of the media that stands for "nothing is shown". */
const EMPTY = -1;
const NORMAL_RATE = 0x10000;

/** `lasts` is in units of the movie, `from` in units of the track's media, and `rate` a fixed-point number. */
export type Edit = { lasts: number; from: number; rate: number };

/** The edits of one track, with the units of their times: how many make a second. */
export type EditList = { edits: Edit[]; movieScale: number; mediaScale: number };

/** The part of the movie in which a track plays, in seconds. Without an end, it plays to the track's last packet. */
export type Played = { from: number; to: number };

/** Reads the content of an `elst` box. Throws `corrupt` and `too_complex`. */
export function readEdits(view: DataView): Edit[] {
  if (view.byteLength < 8) throw new Rejected("corrupt");
  const [isLong, count] = [view.getUint8(0) === 1, view.getUint32(4)];
  const entryBytes = isLong ? 20 : 12;
  if (count * entryBytes > view.byteLength - 8) throw new Rejected("corrupt");
  if (count > EDITS_MAX) throw new Rejected("too_complex");
  return Array.from({ length: count }, (_, index) => {
    const at = 8 + index * entryBytes;
    const lasts = isLong ? Number(view.getBigUint64(at)) : view.getUint32(at);
    const from = isLong ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4);
    // No other time may precede the first frame.
    if (from < EMPTY || !Number.isSafeInteger(from) || !Number.isSafeInteger(lasts)) throw new Rejected("corrupt");
    return { lasts, from, rate: view.getUint32(at + entryBytes - 4) };
  });
}

/**
 * Returns when a track plays: empty edits delay it, and one stretch of its media follows. Edits that continue each
 * other count as one. Anything else, such as a part cut from the middle or another speed, would need a transcoder:
 * throws `unsupported_edits`.
 */
export function playedPart({ edits, movieScale, mediaScale }: EditList): Played {
  if (edits.length === 0) return { from: -Infinity, to: Infinity };
  const first = edits.findIndex(({ from }) => from !== EMPTY);
  const last = edits.findLastIndex(({ from }) => from !== EMPTY);
  const [start] = edits.slice(first, first + 1);
  if (!start || first < 0) throw new Rejected("unsupported_edits");
  const delay = sumOf(edits.slice(0, first));
  const shown = edits.slice(first, last + 1);
  if (!shown.every((edit, index) => isContinued(edit, shown[index - 1], mediaScale / movieScale)))
    throw new Rejected("unsupported_edits");
  // The demuxer rounds in the same way, so that the first frame shown is not taken for one before the cut.
  const from = Math.round((delay / movieScale) * mediaScale) / mediaScale;
  const lasts = sumOf(shown);
  // A single edit that lasts 0 ends with the media, whose length is not known when a fragmented file begins.
  if (lasts === 0 && shown.length > 1) throw new Rejected("unsupported_edits");
  return { from, to: lasts === 0 ? Infinity : from + lasts / movieScale };
}

/** Whether an edit plays at normal speed, and from where the edit before it ends, except for rounding. */
function isContinued({ from, rate }: Edit, before: Edit | undefined, mediaPerMovie: number): boolean {
  if (rate !== NORMAL_RATE) return false;
  if (before === undefined) return true;
  const end = before.from + before.lasts * mediaPerMovie;
  return before.lasts > 0 && before.from !== EMPTY && Math.abs(from - end) <= mediaPerMovie + 1;
}

const sumOf = (edits: Edit[]): number => edits.reduce((sum, { lasts }) => sum + lasts, 0);
