/**
 * Keeps of a decoder's configuration what decoding needs. Its formats have room for more: comments (AAC, Vorbis, FLAC),
 * messages (H.265), and bytes behind the end.
 */
import { concatBytes, readUint } from "../../../../schema/bytes.ts";
import { Rejected } from "../../files/rejections.ts";
import { type Cursor, cursorOf } from "../../bytes/fields.ts";
import { cleanAacConfig } from "./aac-parameters.ts";
import { cleanUnits } from "./nal-units.ts";

/**
 * Returns the configuration of a codec without what decoding does not need; undefined for codecs that need none, or if
 * there is none. Throws `corrupt` if it cannot be read, `unsupported_chroma`, and `unsupported_codec`.
 */
export function cleanConfig(codec: string, config: Uint8Array | undefined): Uint8Array | undefined {
  return config && CLEANED[codec]?.(config);
}

const CLEANED: Record<string, (config: Uint8Array) => Uint8Array> = {
  avc: cleanAvc,
  hevc: cleanHevc,
  aac: cleanAacConfig,
  opus: cleanOpus,
  flac: cleanFlac,
  vorbis: cleanVorbis,
};

/** The profiles of H.264 whose configuration states the format of the colours, and may have extensions. */
const WITH_CHROMA = new Set([100, 110, 122, 144, 244]);

function cleanAvc(config: Uint8Array): Uint8Array {
  const cursor = cursorOf(config);
  const header = cursor.take(5);
  const sets = parameterSets(cursor, cursor.uint(1) & 31, "avc", 7);
  const pictureSets = parameterSets(cursor, cursor.uint(1), "avc", 8);
  const parts = [
    header,
    [0xe0 | sets.length],
    ...sets.map(prefixed),
    [pictureSets.length],
    ...pictureSets.map(prefixed),
  ];
  if (WITH_CHROMA.has(header[1] ?? 0) && cursor.left() >= 4) {
    const chroma = cursor.take(3);
    const extensions = parameterSets(cursor, cursor.uint(1), "avc", 13);
    parts.push(chroma, [extensions.length], ...extensions.map(prefixed));
  }
  return joined(parts);
}

/** The bytes of an hvcC before its arrays. */
const HEVC_HEADER = 22;

function cleanHevc(config: Uint8Array): Uint8Array {
  const cursor = cursorOf(config);
  const header = cursor.take(HEVC_HEADER);
  const arrays: (Uint8Array | number[])[] = [];
  let kept = 0;
  for (let left = cursor.uint(1); left > 0; left -= 1) {
    const kind = cursor.uint(1);
    const type = kind & 0x3f;
    const count = cursor.uint(2);
    if (type < 32 || type > 34) {
      for (let unit = 0; unit < count; unit += 1) cursor.take(cursor.uint(2));
      continue;
    }
    const sets = parameterSets(cursor, count, "hevc", type);
    kept += 1;
    arrays.push([kind, sets.length >> 8, sets.length & 255], ...sets.map(prefixed));
  }
  return joined([header, [kept], ...arrays]);
}

/** Reads parameter sets, each with its length in 2 bytes, and returns those of one type, up to their first start code. */
function parameterSets(cursor: Cursor, count: number, codec: "avc" | "hevc", type: number): Uint8Array[] {
  const sets: Uint8Array[] = [];
  for (let left = count; left > 0; left -= 1) {
    const set = cursor.take(cursor.uint(2));
    if (set.length === 0) continue;
    const [first = 0] = set;
    if (type !== (codec === "avc" ? first & 0x1f : (first >> 1) & 0x3f)) throw new Rejected("corrupt");
    // A set that contains a start code is divided there, and then no longer the one it was.
    const whole = concatBytes([new Uint8Array([set.length >> 8, set.length & 255]), set]);
    const clean = cleanUnits(whole, { codec, lengthBytes: 2 });
    sets.push(clean.subarray(2, 2 + readUint(clean.subarray(0, 2))));
  }
  return sets;
}

const prefixed = (set: Uint8Array): Uint8Array => joined([[set.length >> 8, set.length & 255], set]);

/** Its header, and for more than two channels the table that maps them (RFC 7845, section 5.1). */
function cleanOpus(config: Uint8Array): Uint8Array {
  const [channels = 0, family = 0] = [config[9], config[18]];
  return config.subarray(0, family === 0 ? 19 : 21 + channels);
}

/** The first block of a FLAC stream, its only one that decoding needs (RFC 9639, section 8.2). */
const STREAM_INFO_BYTES = 34;

function cleanFlac(config: Uint8Array): Uint8Array {
  const info = config.subarray(8, 8 + STREAM_INFO_BYTES);
  if (((config[4] ?? 0) & 0x7f) !== 0 || info.length < STREAM_INFO_BYTES) throw new Rejected("corrupt");
  const isLast = 0x80;
  return joined([config.subarray(0, 4), [isLast, 0, 0, STREAM_INFO_BYTES], info]);
}

/** The bytes of Vorbis' first header. */
const VORBIS_HEADER = 30;
/** A comment header that names no maker and no comments. */
const NO_COMMENTS = new Uint8Array([3, ...Array.from("vorbis", (one) => one.charCodeAt(0)), 0, 0, 0, 0, 0, 0, 0, 0, 1]);

/** Three headers, with the lengths of the first two before them. The second has comments. */
function cleanVorbis(config: Uint8Array): Uint8Array {
  const cursor = cursorOf(config);
  if (cursor.uint(1) !== 2) throw new Rejected("corrupt");
  const [first, second] = [lacedLength(cursor), lacedLength(cursor)];
  const header = cursor.take(first);
  cursor.take(second);
  if (first !== VORBIS_HEADER) throw new Rejected("corrupt");
  return joined([[2, first, NO_COMMENTS.length], header, NO_COMMENTS, cursor.take(cursor.left())]);
}

function lacedLength(cursor: Cursor): number {
  let length = 0;
  for (;;) {
    const byte = cursor.uint(1);
    length += byte;
    if (byte < 255) return length;
  }
}

const joined = (parts: (Uint8Array | number[])[]): Uint8Array =>
  concatBytes(parts.map((part) => Uint8Array.from(part)));
