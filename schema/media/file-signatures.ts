/** Detects the type of a file by its first bytes. Its name and declared type do not count: the sender chooses both. */
import { readUint } from "../bytes.ts";
import type { MediaType } from "./media-types.ts";

/** Enough bytes for all signatures, the brands of ISO files (HEIC, AVIF, MP4, MOV) and the DocType of Matroska files. */
export const SNIFF_BYTES = 64;

/** Returns the type of the file that starts with `head`, or undefined if the type is not accepted. */
export function detectMediaType(head: Uint8Array): MediaType | undefined {
  const start = String.fromCharCode(...head.subarray(0, SNIFF_BYTES)); // One character a byte.
  const [type] = SIGNATURES.find(([, signature]) => signature.test(start)) ?? [];
  return type ?? typeOfIso(start, readUint(head.subarray(0, 4)));
}

const SIGNATURES: [MediaType, RegExp][] = [
  ["image/jpeg", /^\xff\xd8\xff/],
  // oxlint-disable-next-line no-control-regex -- A broken transfer changes these control characters.
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[^]{4}WEBPVP8[ LX]/],
  // WebM is a kind of Matroska, told by its DocType, whose length may take up to eight bytes.
  // oxlint-disable-next-line no-control-regex
  ["video/webm", /^\x1a\x45\xdf\xa3[^]*\x42\x82[^a-z]{1,8}webm(?![a-z])/],
  // oxlint-disable-next-line no-control-regex
  ["video/matroska", /^\x1a\x45\xdf\xa3[^]*\x42\x82[^a-z]{1,8}matroska(?![a-z])/],
];

const AVIF = /^avi[fs]$/;
const HEIC = /^(?:hei[cmsx]|hev[cmsx])$/;
/** Brands of a file with pictures in any codec. Its other brands name the codec. */
const ANY_HEIF = /^(?:mif1|msf1)$/;
/** Brands of videos. */
const MP4 = /^(?:iso[m1-9]|mp4[12]|avc1|M4V[ HP]|dash|cmfc|msnv|MSNV|XAVC|3gp[4-9]|3g2[abc])$/;
/** Brands of what is no video for browsers, whatever it is compatible with: sound, Flash, JPEG 2000, raw photographs. */
const OTHERS = /^(?:M4[ABP] |[fF]4[vpab] |F4[VPAB] |j[px][2xm] |mjp2|crx )$/;
/** Kinds of the first box of a QuickTime file older than brands. */
const OLD_QUICKTIME = /^(?:moov|mdat|wide|free|skip)$/;

// A box starts with its size in 4 bytes, which includes these 4, and its kind in 4 bytes.
function typeOfIso(start: string, size: number): MediaType | undefined {
  const kind = start.slice(4, 8);
  if (kind !== "ftyp") return OLD_QUICKTIME.test(kind) && isValidBoxSize(size, kind) ? "video/quicktime" : undefined;
  const [major = "", ...others] = brands(start.slice(0, size));
  const has = (brand: RegExp) => [major, ...others].some((name) => brand.test(name));
  if (major === "qt  ") return "video/quicktime";
  if (MP4.test(major)) return "video/mp4";
  if (AVIF.test(major) || (ANY_HEIF.test(major) && has(AVIF))) return "image/avif";
  if (HEIC.test(major) || (ANY_HEIF.test(major) && has(HEIC))) return "image/heic";
  if (OTHERS.test(major) || ANY_HEIF.test(major)) return undefined;
  // A maker's own brand. The file is what it is compatible with.
  if (has(ANY_HEIF)) return has(AVIF) ? "image/avif" : has(HEIC) ? "image/heic" : undefined;
  if (others.some((name) => MP4.test(name))) return "video/mp4";
  return others.includes("qt  ") ? "video/quicktime" : undefined;
}

// The content of an `ftyp` box: the major brand, a version, and the compatible brands, 4 bytes each.
const brands = (box: string): string[] => [box.slice(8, 12), ...(box.slice(16).match(/[^]{4}/g) ?? [])];

/** 1: the size is in the 8 bytes after the kind. 0: the rest of the file, which only media data may take. */
const isValidBoxSize = (size: number, kind: string): boolean =>
  kind === "wide" ? size === 8 : size >= 8 || size === 1 || (size === 0 && kind === "mdat");
