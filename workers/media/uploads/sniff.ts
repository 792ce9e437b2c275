/** What a file is, by its first bytes. Neither its name nor its declared type is asked: both are the sender's to choose. */
import type { PictureType } from "../../../schema/media-types.ts";
import { ApiError } from "../../api/errors.ts";

/** Enough for the signatures, and for the brands of an AVIF file. */
export const SNIFF_BYTES = 64;

// One character a byte.
const SIGNATURES: [PictureType, RegExp][] = [
  ["image/jpeg", /^\xff\xd8\xff/],
  // oxlint-disable-next-line no-control-regex -- The control characters are what a broken transfer would have changed.
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[^]{4}WEBPVP8[ LX]/],
  ["image/avif", /^[^]{4}ftyp(avif|avis|mif1|msf1)/],
  ["image/heic", /^[^]{4}ftyp(heic|heix|mif1)/],
];

/** The type of the file that starts with `head`, or the refusal `unsupported_type`. */
export function sniff(head: Uint8Array): PictureType {
  const start = String.fromCharCode(...head.subarray(0, SNIFF_BYTES));
  const [type] = SIGNATURES.find(([type, signature]) => signature.test(start) && isBranded(start, type)) ?? [];
  if (!type) throw new ApiError("unsupported_type", "JPEG, PNG, WebP, GIF, AVIF and HEIC pictures are accepted");
  return type;
}

// "mif1" is any still picture in this container: what it is coded in stands among the other brands.
function isBranded(start: string, type: PictureType): boolean {
  const wanted = { "image/avif": ["avif", "avis"], "image/heic": ["heic", "heix"] }[type as string];
  return !wanted || brands(start).some((brand) => wanted.includes(brand));
}

// An `ftyp` box: its size in 4 bytes, "ftyp", the major brand, a version, and the compatible brands, 4 bytes each.
function brands(start: string): string[] {
  const box = start.slice(0, sizeOfBox(start));
  return [box.slice(8, 12), ...(box.slice(16).match(/[^]{4}/g) ?? [])];
}

function sizeOfBox(start: string): number {
  let size = 0;
  for (const character of start.slice(0, 4)) size = size * 256 + character.charCodeAt(0);
  return size;
}
