/**
 * Walks through an MP4 or QuickTime file (ISO/IEC 14496-12) before the demuxer sees it. The index is read whole and
 * checked; boxes that are not needed are renamed to `free` in memory, so that no other parser ever reads them.
 */
import type { Removed } from "../../../../schema/media/media-details.ts";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { inBlocks } from "../../bytes/blocks.ts";
import { type Box, boxesIn, contentsOf, descend, FREE, hide } from "../../bytes/boxes.ts";
import { visitTopLevelBoxes } from "../../bytes/top-level-boxes.ts";
import type { Edit } from "./edit-lists.ts";
import { checkFragment, type Fragments } from "./fragments.ts";
import { BOXES_MAX, FRAGMENT_BYTES_MAX, INDEX_BYTES_MAX, TOP_BOXES_MAX, TRACKS_MAX } from "./limits.ts";
import { type Patch, patched } from "./overlay.ts";
import { addChunks, checkRanges, type Range } from "./sample-ranges.ts";
import { checkTable } from "./sample-tables.ts";
import { mentions, type CheckedFile } from "./checked-file.ts";

/** The headers of a fragmented file lie one fragment apart, so most of a larger block would be read in vain. */
const HEADERS_BLOCK = 16 * 1024;

/** The boxes that the demuxer needs, by their parent. All others are hidden. */
const NEEDED: Record<string, string[]> = {
  moov: ["mvhd", "trak", "mvex"],
  trak: ["tkhd", "edts", "mdia"],
  edts: ["elst"],
  mdia: ["mdhd", "hdlr", "minf"],
  minf: ["stbl"],
  stbl: ["stsd", "stts", "ctts", "stsz", "stz2", "stss", "stsc", "stco", "co64"],
  mvex: ["trex"],
};
const AT_THE_TOP = new Set(
  "ftyp styp moov mdat free skip wide pnot moof sidx ssix mfra prft emsg pdin meta uuid".split(" "),
);
const METADATA = new Set(["udta", "meta", "uuid"]);
const LOCATIONS = ["\xa9xyz", "loci", "ISO6709", "location"];

/** Checks an MP4 or QuickTime file, and returns the view of it that the demuxer may read. Throws `Rejected`. */
export async function checkIsoBmff(source: ByteSource): Promise<CheckedFile> {
  const headers = inBlocks(source, HEADERS_BLOCK);
  const top = await topLevel(headers);
  const moov = top.boxes.find(({ type }) => type === "moov");
  if (!moov) throw new Rejected(top.boxes.some(({ type }) => type === "mdat") ? "corrupt" : "no_video");
  if (moov.end - moov.start > INDEX_BYTES_MAX) throw new Rejected("too_complex");

  const removed = new Set(top.removed);
  const index = await source.read(moov.start, moov.end - moov.start);
  const { packets, unplayed, edits, sizes, ranges } = checkIndex(index, moov, removed);
  // If a file has packets in both places, the demuxer reads only those of the index.
  const inFragments = top.boxes.some(({ type }) => type === "moof");
  if (inFragments && [...packets.values()].some((count) => count > 0)) throw new Rejected("too_complex");
  const fragments = await readFragments(source, top.boxes, { packets, sizes, ranges });
  checkRanges(ranges, top.boxes);

  const media = top.boxes.find(({ type }) => type === "mdat" || type === "moof");
  return {
    view: patched(headers, [...headersOf(top), { offset: moov.start, bytes: index }, ...fragments].sort(byOffset)),
    fastStart: media === undefined || moov.start < media.start,
    isFragmented: inFragments,
    removed,
    unplayed,
    packets,
    edits,
    durationMs: null,
  };
}

const byOffset = (a: Patch, b: Patch): number => a.offset - b.offset;

type Top = { boxes: Box[]; headers: Patch[]; removed: Removed[]; size: number };

/** Reads the headers of the top-level boxes. */
async function topLevel(source: ByteSource): Promise<Top> {
  const boxes: Box[] = [];
  const headers: Patch[] = [];
  const removed: Removed[] = [];
  let hasIndex = false;
  const limit = { most: TOP_BOXES_MAX, tooMany: "too_complex" } as const;
  await visitTopLevelBoxes(
    (...range) => source.read(...range),
    source.size,
    limit,
    ({ at, bytes, box }) => {
      const known = box !== undefined && AT_THE_TOP.has(box.type);
      // The last packets may be missing; the copy will notice.
      const whole = box !== undefined && (box.end <= source.size || box.type === "mdat");
      if ((!box || !whole) && (known || !hasIndex)) throw new Rejected("corrupt");
      // Cameras append their own notes, and people who hide files append those.
      if (!known) removed.push(hasIndex ? "trailer" : "metadata");
      if (!box || !whole) return false;
      if (METADATA.has(box.type)) removed.push("metadata");
      if (box.type === "moov") hasIndex = true;
      else if (box.type !== "moof") headers.push({ offset: at, bytes: bytes.subarray(0, box.end - at) });
      boxes.push(box);
      return true;
    },
  );
  return { boxes, headers, removed, size: source.size };
}

// The demuxer looks for an index of fragments (mfra) at the distance in the file's last four bytes. These make it find
// none.
const END = new Uint8Array([0, 0, 0, 16, ...FREE, 0, 0, 0, 0, 0, 0, 0, 0]);

// The demuxer walks from header to header again, and finds them here without another read.
const headersOf = ({ headers, size }: Top): Patch[] => [
  ...headers.filter(({ offset, bytes }) => offset + bytes.length <= size),
  { offset: size, bytes: END },
];

/** A track that is kept: its id, the number of its packets, its edits, and the units of their times. */
type Track = { id: number; packets: number; edits: Edit[]; mediaScale: number };

/**
 * Checks the index and hides the boxes that are not needed. Returns packets, edits and the size of packets in fragments
 * by track id, and where the packets lie.
 */
function checkIndex(index: Uint8Array, moov: Box, removed: Set<Removed>) {
  const kept: Track[] = [];
  const unplayed = new Set<"video" | "audio">();
  const ranges: Range[] = [];
  const sizes = new Map<number, number>();
  let movieScale = 0;
  const left = { boxes: BOXES_MAX };
  let tracks = 0;
  const whole = { ...moov, start: 0, content: moov.content - moov.start, end: index.length };
  const isOff = tracksOff(index, whole);
  for (const box of needed(index, whole, left, removed)) {
    if (box.type === "trak") {
      tracks += 1;
      if (tracks > TRACKS_MAX) throw new Rejected("too_complex");
      const track = isOff(box) ? leaveOut(index, box, removed) : checkTrack(index, box, left, removed, unplayed);
      addChunks(ranges, index, box, track !== undefined);
      if (track) kept.push(track);
    } else if (box.type === "mvex") {
      for (const child of needed(index, box, left, removed)) {
        const { id = 0, size = 0 } = checkTable(index, child);
        sizes.set(id, size);
      }
    } else movieScale = checkTable(index, box).scale ?? movieScale;
  }
  const packets = new Map(kept.map((track) => [track.id, track.packets]));
  if (packets.size < kept.length) throw new Rejected("corrupt");
  const edited = kept.filter(({ edits }) => edits.length > 0);
  // The times of edits have no meaning without the header that states their unit.
  if (edited.length > 0 && movieScale === 0) throw new Rejected("corrupt");
  return {
    packets,
    unplayed,
    edits: new Map(edited.map(({ id, ...list }) => [id, { ...list, movieScale }])),
    sizes,
    ranges,
  };
}

/** The boxes of which there may be several, and those that stand in for another. */
const SEVERAL = new Set(["trak", "trex"]);
const IN_PLACE_OF: Record<string, string> = { co64: "stco", stz2: "stsz" };

/** Yields the needed boxes in `parent` and hides the others. Of two of a kind, readers would differ in which they use. */
function* needed(index: Uint8Array, parent: Box, left: { boxes: number }, removed: Set<Removed>): Generator<Box> {
  const seen = new Set<string>();
  for (const box of boxesIn(index, parent)) {
    left.boxes -= 1;
    if (left.boxes < 0) throw new Rejected("too_complex");
    if (!NEEDED[parent.type]?.includes(box.type)) {
      conceal(index, box, removed);
      continue;
    }
    const kind = IN_PLACE_OF[box.type] ?? box.type;
    if (seen.has(kind) && !SEVERAL.has(kind)) throw new Rejected("corrupt");
    seen.add(kind);
    yield box;
  }
}

function conceal(index: Uint8Array, box: Box, removed: Set<Removed>): void {
  const bytes = index.subarray(box.start, box.end);
  if (METADATA.has(box.type)) removed.add("metadata");
  if (box.type !== "free" && box.type !== "skip" && mentions(bytes, LOCATIONS)) removed.add("location");
  hide(index, box);
}

/** Checks a track, or hides it if it has neither pictures nor sound, or in a codec that browsers do not play. */
function checkTrack(
  index: Uint8Array,
  track: Box,
  left: { boxes: number },
  removed: Set<Removed>,
  unplayed: Set<"video" | "audio">,
): Track | undefined {
  const kind = handlerOf(index, track);
  const isKnown = kind === "vide" || kind === "soun";
  // Limits count only what is kept: a track of PCM has a packet for every sample.
  const isPlayed = isKnown && codecsOf(index, track).every((codec) => PLAYED[kind].has(codec));
  if (isKnown && !isPlayed) unplayed.add(kind === "vide" ? "video" : "audio");
  if (!isKnown || !isPlayed) return leaveOut(index, track, removed);
  const found = { id: 0, timed: 0, sized: 0, edits: [] as Edit[], scale: 0 };
  const visit = (parent: Box): void => {
    for (const box of needed(index, parent, left, removed)) {
      if (NEEDED[box.type]) visit(box);
      else if (box.type === "stsd") checkDescriptions(index, box, kind);
      Object.assign(found, checkTable(index, box));
    }
  };
  visit(track);
  const { id, timed, sized, edits, scale } = found;
  if (id === 0) throw new Rejected("corrupt");
  return { id, packets: Math.min(timed, sized), edits, mediaScale: scale };
}

function leaveOut(index: Uint8Array, track: Box, removed: Set<Removed>): undefined {
  removed.add("other_tracks");
  conceal(index, track, removed);
}

/**
 * Returns whether a track is turned off: players do not play it, so its owner may never have heard it. In a file in which no
 * pictures are turned on, that means nothing.
 */
function tracksOff(index: Uint8Array, moov: Box): (track: Box) => boolean {
  const isOn = (track: Box): boolean =>
    ((descend(index.subarray(track.content, track.end), "tkhd")?.[ENABLED_AT] ?? 1) & 1) === 1;
  const counts = boxesIn(index, moov).some(
    (box) => box.type === "trak" && handlerOf(index, box) === "vide" && isOn(box),
  );
  return (track) => counts && !isOn(track);
}

/** Where the header of a track has the flag for "enabled", in the lowest bit. */
const ENABLED_AT = 3;

/** The types of entries that describe codecs which browsers play, or encrypted ones, which are rejected as such. */
const PLAYED = {
  vide: new Set(["avc1", "avc3", "hvc1", "hev1", "vp08", "vp09", "av01", "encv"]),
  soun: new Set(["mp4a", "Opus", "opus", "fLaC", "flac", "enca"]),
};

/** Returns the types of the entries that describe a track's codecs. Usually there is one. */
function codecsOf(index: Uint8Array, track: Box): string[] {
  const description = descend(index.subarray(track.content, track.end), "mdia", "minf", "stbl", "stsd");
  return description ? contentsOf(description.subarray(BEFORE_ENTRIES)).map(({ type }) => type) : [];
}

/** Returns the kind of a track: "vide", "soun", or something else. */
function handlerOf(index: Uint8Array, track: Box): string | undefined {
  const handler = descend(index.subarray(track.content, track.end), "mdia", "hdlr");
  return handler && String.fromCharCode(...handler.subarray(8, 12));
}

/** The bytes before the entries of a sample description, and before the boxes in the entry of a video track. */
const [BEFORE_ENTRIES, BEFORE_BOXES] = [8, 78];
/** The size of a colour box of type "nclx", with its header. Some writers omit its last byte. */
const COLOURS_BYTES = 19;

function checkDescriptions(index: Uint8Array, description: Box, kind: "vide" | "soun"): void {
  for (const entry of boxesIn(index, { ...description, content: description.content + BEFORE_ENTRIES })) {
    // Encrypted tracks, whose key is not in the file.
    if (entry.type === "encv" || entry.type === "enca") throw new Rejected("unsupported_codec");
    if (kind === "vide") hideBadColours(index, entry);
  }
}

// Players ignore a colour box that is too short; the demuxer would call the file damaged.
function hideBadColours(index: Uint8Array, entry: Box): void {
  for (const box of boxesIn(index, { ...entry, content: entry.content + BEFORE_BOXES })) {
    if (box.type === "colr" && box.end - box.start < COLOURS_BYTES) hide(index, box);
  }
}

async function readFragments(source: ByteSource, boxes: Box[], fragments: Fragments): Promise<Patch[]> {
  const patches: Patch[] = [];
  let left = FRAGMENT_BYTES_MAX;
  for (const box of boxes.filter(({ type }) => type === "moof")) {
    left -= box.end - box.start;
    if (left < 0) throw new Rejected("too_complex");
    const bytes = await source.read(box.start, box.end - box.start);
    checkFragment(bytes, box.start, fragments);
    patches.push({ offset: box.start, bytes });
  }
  return patches;
}
