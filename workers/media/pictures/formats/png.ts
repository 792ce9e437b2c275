/** Reads a PNG: the header of every chunk, and the data of those that describe the picture. */
import { latin1 } from "../../bytes/fields.ts";
import { readUint } from "../../../../schema/bytes.ts";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { cicpName, isHdr } from "./colour.ts";
import { inflated } from "./inflate.ts";
import { CHUNK_BYTES } from "./png-chunks.ts";
import { BLOCK_BYTES, BLOCKS_MAX, checkFrames, keep, emptyHeader, type RawHeader, SEGMENTS_MAX } from "./raw-header.ts";
import { type Windows, windowsOf } from "../../bytes/windows.ts";

export const SIGNATURE_BYTES = 8;
const CHUNK_MAX = 2 ** 31 - 1;

/** Reads the size, the frames and the metadata of a PNG. */
export async function readPng(source: ByteSource): Promise<RawHeader> {
  const windows = windowsOf(source);
  const raw = emptyHeader();
  const header = await windows.at(SIGNATURE_BYTES, 16);
  if (latin1(header.subarray(4, 8)) !== "IHDR") throw new Rejected("corrupt");
  raw.width = readUint(header.subarray(8, 12));
  raw.height = readUint(header.subarray(12, 16));

  let frames = 0;
  // Frames that are not announced before the picture are ignored by everybody.
  let [isAnnounced, hasData, hasEnd] = [false, false, false];
  let at = SIGNATURE_BYTES;
  for (let chunks = 0; at < source.size; chunks += 1) {
    if (chunks > SEGMENTS_MAX) throw new Rejected("too_many_segments");
    const head = await chunkAt(windows, at);
    // An invalid chunk is left for the decoder to judge, which may already have all that it needs.
    if (!head) break;
    const { type, length } = head;
    if (type === "acTL" && !isAnnounced) isAnnounced = !hasData;
    if (type === "IDAT") hasData = true;
    if (type === "fcTL") checkFrames((frames += 1));
    else if (type !== "IDAT" && type !== "fdAT") await readChunk(windows, type, at + 8, length, raw);
    at += CHUNK_BYTES + length;
    hasEnd = type === "IEND";
    if (hasEnd) break;
  }
  // One that has been cut off behind its first picture was meant to move.
  const isCutOff = !hasEnd && raw.frames > 1;
  raw.frames = isAnnounced ? Math.max(isCutOff ? 2 : 1, frames) : 1;
  if (at < source.size) raw.carries.add("trailer");
  return raw;
}

/** Returns the type of the chunk at `at` and the length of its data, or undefined if no chunk begins there. */
export async function chunkAt(windows: Windows, at: number): Promise<{ type: string; length: number } | undefined> {
  const head = await windows.at(at, 8);
  const [length, type] = [readUint(head.subarray(0, 4)), latin1(head.subarray(4, 8))];
  return length <= CHUNK_MAX && /^[a-zA-Z]{4}$/.test(type) ? { type, length } : undefined;
}

async function readChunk(windows: Windows, type: string, at: number, length: number, raw: RawHeader): Promise<void> {
  const data = () => windows.at(at, Math.min(length, BLOCK_BYTES));
  switch (type) {
    case "acTL":
      // The count may be false, but a decoder may believe it.
      raw.frames = readUint((await data()).subarray(0, 4));
      checkFrames(raw.frames);
      break;
    case "sRGB":
      raw.profile ??= "sRGB";
      break;
    case "cICP": {
      const [primaries = 0, transfer = 0] = await data();
      raw.profile = cicpName(primaries, transfer);
      raw.isProfileFirst = true;
      if (isHdr(transfer)) raw.carries.add("hdr");
      break;
    }
    case "iCCP": {
      const [, compressed] = afterZero(await data());
      raw.icc ??= await inflated(compressed.subarray(1));
      break;
    }
    case "eXIf":
      keep(raw, "exif", await data());
      break;
    case "tEXt":
    case "zTXt":
    case "iTXt":
      await readText(raw, type, await data());
      break;
    case "tIME":
      raw.carries.add("metadata");
      break;
  }
}

async function readText(raw: RawHeader, type: string, data: Uint8Array): Promise<void> {
  const [keyword, value] = afterZero(data);
  const [, profile] = /^Raw profile type (exif|APP1|xmp|iptc|8bim)$/i.exec(keyword) ?? [];
  if (profile && /iptc|8bim/i.test(profile)) raw.carries.add("iptc");
  else if (!profile && keyword !== "XML:com.adobe.xmp") raw.carries.add("comment");
  // Bounds the time that one file can spend in inflation.
  else if (raw.exif.length + raw.xmp.length >= BLOCKS_MAX) raw.carries.add("metadata");
  else if (profile) keepRawProfile(raw, profile, await textOf(type, value));
  else keep(raw, "xmp", await textOf(type, value));
}

/** Returns the text of a chunk after its keyword; of a compressed text, only the beginning. */
async function textOf(type: string, value: Uint8Array): Promise<Uint8Array> {
  if (type === "tEXt") return value;
  if (type === "zTXt") return inflated(value.subarray(1));
  const [, afterLanguage] = afterZero(value.subarray(2));
  const [, text] = afterZero(afterLanguage);
  return value[0] === 1 ? inflated(text) : text;
}

/** Keeps a raw profile as ImageMagick writes it: a name, a length, and hexadecimal digits. */
function keepRawProfile(raw: RawHeader, name: string, text: Uint8Array): void {
  const digits = latin1(text.subarray(0, 2 * BLOCK_BYTES))
    .replace(/^\s*\w+\s+\d+\s/, "")
    .replaceAll(/\s/g, "");
  const bytes = Uint8Array.from(digits.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16));
  const isExif = latin1(bytes.subarray(0, 6)) === "Exif\0\0";
  keep(raw, isExif || name.toLowerCase() === "exif" ? "exif" : "xmp", isExif ? bytes.subarray(6) : bytes);
}

/** Splits bytes at the first zero. */
export function afterZero(bytes: Uint8Array): [before: string, after: Uint8Array] {
  const zero = bytes.indexOf(0);
  return zero === -1 ? [latin1(bytes), new Uint8Array()] : [latin1(bytes.subarray(0, zero)), bytes.subarray(zero + 1)];
}
