/**
 * Walks through the head of a WebM or Matroska file before the demuxer sees it. Everything before the first cluster is read and
 * checked; of that, the demuxer sees only the header, the info and the tracks, followed by the clusters.
 */
import type { Removed } from "../../../../schema/media/media-details.ts";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { inBlocks } from "../../bytes/blocks.ts";
import { elementAt, type Element, elementsIn, floatOf, HEADER_BYTES, unsignedOf } from "./ebml.ts";
import {
  EBML_BYTES_MAX,
  HEAD_BYTES_MAX,
  HEAD_ELEMENTS_MAX,
  INFO_BYTES_MAX,
  TRACKS_BYTES_MAX,
  TRACKS_MAX,
} from "./limits.ts";
import { clustersOf } from "./clusters.ts";
import { spliced } from "./overlay.ts";
import { mentions, type CheckedFile } from "./checked-file.ts";
import { ID, IN_SEGMENT, METADATA } from "./webm-ids.ts";

// The ids by which a SeekHead refers to metadata that may come after the clusters.
const METADATA_IDS = ["\x12\x54\xc3\x67", "\x19\x41\xa4\x69", "\x10\x43\xa7\x70"];

/** The element by which chapters state that they are played in their own order. */
const ORDERED = "\x45\xdd\x81\x01";

/** The unit of timestamps, in ns: 1 ms unless the file states another. */
const DEFAULT_SCALE = 1_000_000;
const [VIDEO, AUDIO] = [1, 2];
/** The header of a segment of unknown size, which extends to the end of the file. */
const SEGMENT = new Uint8Array([0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

/** Checks the head of a WebM or Matroska file, and returns the view of it that the demuxer may read. Throws `Rejected`. */
export async function checkWebm(source: ByteSource): Promise<CheckedFile> {
  const buffered = inBlocks(source);
  const header = await readHeader(buffered);
  const segment = await elementOf(buffered, header.length);
  if (segment?.id !== ID.segment) throw new Rejected("corrupt");
  const removed = new Set<Removed>();
  const end = Math.min(segment.end ?? source.size, source.size);
  if (end < source.size) removed.add("trailer");
  const { info, tracks, clusters } = await readHead(buffered, segment.content, end, removed);
  if (clusters === undefined) throw new Rejected("no_video");
  // Its tracks are described behind its packets, where browsers do not look for them while they play.
  if (!tracks) throw new Rejected("too_complex");
  checkTracks(tracks, removed);
  const head = [header, SEGMENT, ...(info ? [info] : []), tracks];
  return {
    view: spliced(
      new Uint8Array(head.flatMap((part) => [...part])),
      clustersOf(buffered, clusters, end),
      clusters,
      end,
    ),
    fastStart: true,
    isFragmented: true,
    removed,
    unplayed: new Set(),
    packets: new Map(),
    edits: new Map(),
    durationMs: info ? readInfo(info, removed) : null,
  };
}

async function elementOf(source: ByteSource, at: number): Promise<Element | undefined> {
  return elementAt(await source.read(at, HEADER_BYTES), 0, at);
}

async function readHeader(source: ByteSource): Promise<Uint8Array> {
  const header = await elementOf(source, 0);
  if (header?.id !== ID.header || header.end === undefined || header.end > EBML_BYTES_MAX)
    throw new Rejected("corrupt");
  const bytes = await source.read(0, header.end);
  const docType = elementsIn(bytes, header.content, bytes.length).find(({ id }) => id === ID.docType);
  const text = docType && String.fromCharCode(...bytes.subarray(docType.content, docType.end)).replace(/\0+$/, "");
  // Both consist of the same elements. Whether the codecs of a Matroska file are those of WebM is decided later.
  if (text !== "webm" && text !== "matroska") throw new Rejected("corrupt");
  return bytes;
}

type Head = { info?: Uint8Array; tracks?: Uint8Array; clusters?: number };

/** Reads the segment up to the first cluster, and returns where that begins. */
async function readHead(source: ByteSource, from: number, to: number, removed: Set<Removed>): Promise<Head> {
  const head: Head = {};
  for (let at = from, elements = 0; at < to; elements += 1) {
    if (elements > HEAD_ELEMENTS_MAX || at - from > HEAD_BYTES_MAX) throw new Rejected("too_complex");
    const element = await elementOf(source, at);
    if (element?.id === ID.cluster) return { ...head, clusters: at };
    if (!element || element.end === undefined || element.end > to || !IN_SEGMENT.has(element.id))
      throw new Rejected("corrupt");
    const whole = (most: number) => {
      if (element.end === undefined || element.end - at > most) throw new Rejected("too_complex");
      return source.read(at, element.end - at);
    };
    if (METADATA.has(element.id)) removed.add("metadata");
    // Chapters may form a playlist of parts of the file, which browsers ignore.
    if (element.id === ID.chapters && mentions(await whole(HEAD_BYTES_MAX), [ORDERED]))
      throw new Rejected("unsupported_edits");
    if (element.id === ID.info) head.info = await whole(INFO_BYTES_MAX);
    if (element.id === ID.tracks) head.tracks = await whole(TRACKS_BYTES_MAX);
    if (element.id === ID.seekHead && mentions(await whole(INFO_BYTES_MAX), METADATA_IDS)) removed.add("metadata");
    at = element.end;
  }
  return head;
}

/** Returns the duration in ms, or null if the file states none. */
function readInfo(info: Uint8Array, removed: Set<Removed>): number | null {
  let scale = DEFAULT_SCALE;
  let duration: number | null = null;
  for (const { id, content, end } of childrenOf(info)) {
    const bytes = info.subarray(content, end);
    if (id === ID.timestampScale) scale = unsignedOf(bytes);
    if (id === ID.duration) duration = floatOf(bytes);
    if (id === ID.title || id === ID.dateUtc) removed.add("metadata");
  }
  // The demuxer divides times by it.
  if (scale === 0) throw new Rejected("corrupt");
  const ms = duration === null ? NaN : (duration * scale) / 1_000_000;
  return Number.isFinite(ms) && ms > 0 ? Math.round(ms) : null;
}

function childrenOf(whole: Uint8Array) {
  const element = elementAt(whole, 0);
  return elementsIn(whole, element?.content ?? whole.length, whole.length);
}

function checkTracks(tracks: Uint8Array, removed: Set<Removed>): void {
  const entries = childrenOf(tracks).filter(({ id }) => id === ID.trackEntry);
  if (entries.length > TRACKS_MAX) throw new Rejected("too_complex");
  for (const entry of entries) {
    const parts = elementsIn(tracks, entry.content, entry.end);
    // Compressed or encrypted packets. WebM only allows encryption, and no browser plays that without the key.
    if (parts.some(({ id }) => id === ID.contentEncodings)) throw new Rejected("unsupported_codec");
    const type = parts.find(({ id }) => id === ID.trackType);
    const kind = type && unsignedOf(tracks.subarray(type.content, type.end));
    if (kind !== VIDEO && kind !== AUDIO) removed.add("other_tracks");
  }
}
