/** What a file is, by its first bytes. Neither its name nor its declared type is asked: both are the sender's to choose. */
import { uintOf } from "../bytes.ts";
import type { MediaType } from "./media-types.ts";

/** Enough for the signatures, for the brands of an ISO file (HEIC, AVIF, MP4, MOV), and for the DocType of a WebM file. */
export const SNIFF_BYTES = 64;

/** The type of the file that starts with `head`; undefined for one that is not accepted. */
export function typeOf(head: Uint8Array): MediaType | undefined {
  const start = String.fromCharCode(...head.subarray(0, SNIFF_BYTES)); // One character a byte.
  const [type] = SIGNATURES.find(([, signature]) => signature.test(start)) ?? [];
  return type ?? typeOfIso(start, uintOf(head.subarray(0, 4)));
}

const SIGNATURES: [MediaType, RegExp][] = [
  ["image/jpeg", /^\xff\xd8\xff/],
  // oxlint-disable-next-line no-control-regex -- The control characters are what a broken transfer would have changed.
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[^]{4}WEBPVP8[ LX]/],
  // Matroska has the same header with another DocType, whose length may be written in up to eight bytes.
  // oxlint-disable-next-line no-control-regex
  ["video/webm", /^\x1a\x45\xdf\xa3[^]*\x42\x82[^a-z]{1,8}webm(?![a-z])/],
];

const AVIF = /^avi[fs]$/;
const HEIC = /^(?:hei[cmsx]|hev[cmsx])$/;
/** Of a file that has pictures, whatever they are coded in: that stands among its other brands. */
const ANY_HEIF = /^(?:mif1|msf1)$/;
/** Of videos. Audio alone has brands of its own (M4A, M4B), and so have Flash and others that no browser plays. */
const MP4 = /^(?:iso[m1-9]|mp4[12]|avc1|M4V[ HP]|dash|cmfc|msnv|MSNV|XAVC|3gp[4-9]|3g2[abc])$/;
/** What a QuickTime file from before brands begins with. */
const OLD_QUICKTIME = /^(?:moov|mdat|wide|free|skip)$/;

// A box: its size in 4 bytes, which counts these, and its kind in 4.
function typeOfIso(start: string, size: number): MediaType | undefined {
  const kind = start.slice(4, 8);
  if (kind !== "ftyp") return OLD_QUICKTIME.test(kind) && isSizeOfBox(size, kind) ? "video/quicktime" : undefined;
  const [major = "", ...others] = brands(start.slice(0, size));
  const has = (brand: RegExp) => [major, ...others].some((name) => brand.test(name));
  if (major === "qt  ") return "video/quicktime";
  if (MP4.test(major)) return "video/mp4";
  if (AVIF.test(major) || (ANY_HEIF.test(major) && has(AVIF))) return "image/avif";
  if (HEIC.test(major) || (ANY_HEIF.test(major) && has(HEIC))) return "image/heic";
  return undefined;
}

// An `ftyp` box goes on with the major brand, a version, and the compatible brands, 4 bytes each.
const brands = (box: string): string[] => [box.slice(8, 12), ...(box.slice(16).match(/[^]{4}/g) ?? [])];

/** 1 stands for a size of 8 bytes behind the kind, 0 for the rest of the file, which only the media data may be. */
const isSizeOfBox = (size: number, kind: string): boolean =>
  kind === "wide" ? size === 8 : size >= 8 || size === 1 || (size === 0 && kind === "mdat");
