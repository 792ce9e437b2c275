/** Finds the names of colour spaces, as photographers know them. */
import { latin1 } from "../../bytes/fields.ts";
import { readUint } from "../../../../schema/bytes.ts";

/** Whether a transfer function of H.273 is one of HDR: PQ or HLG. */
export const isHdr = (transfer: number): boolean => transfer === 16 || transfer === 18;

/** Returns the name for the ITU-T H.273 numbers of primaries and transfer characteristics, if there is a common one. */
export function cicpName(primaries: number, transfer: number): string | undefined {
  if (primaries === 9 && transfer === 16) return "BT.2100 PQ";
  if (primaries === 9 && transfer === 18) return "BT.2100 HLG";
  if (primaries === 1) return transfer === 13 ? "sRGB" : "BT.709";
  if (primaries === 9) return "BT.2020";
  if (primaries === 12) return "Display P3";
  return undefined;
}

const HEADER_BYTES = 128;
const TAGS_MAX = 100;
const NAME_MAX = 100;

/** Returns the description in an ICC profile (ICC.1:2022, 7.3 and 9.2.41). `profile` may be only its beginning. */
export function iccName(profile: Uint8Array): string | undefined {
  const count = Math.min(TAGS_MAX, readUint(profile.subarray(HEADER_BYTES, HEADER_BYTES + 4)));
  for (let tag = 0; tag < count; tag += 1) {
    const entry = profile.subarray(HEADER_BYTES + 4 + tag * 12, HEADER_BYTES + 16 + tag * 12);
    if (entry.length < 12) return undefined;
    if (latin1(entry.subarray(0, 4)) !== "desc") continue;
    const [offset, length] = [readUint(entry.subarray(4, 8)), readUint(entry.subarray(8, 12))];
    return description(profile.subarray(offset, offset + length));
  }
  return undefined;
}

/** Reads a description: one text in ASCII, or several in UTF-16, the first one in the profile's own language. */
function description(tag: Uint8Array): string | undefined {
  const type = latin1(tag.subarray(0, 4));
  if (type === "desc") return latin1(tag.subarray(12, 12 + Math.min(NAME_MAX, readUint(tag.subarray(8, 12)))));
  if (type !== "mluc") return undefined;
  const [length, offset] = [readUint(tag.subarray(20, 24)), readUint(tag.subarray(24, 28))];
  const text = tag.subarray(offset, offset + Math.min(2 * NAME_MAX, length));
  return String.fromCharCode(
    ...Array.from({ length: text.length >> 1 }, (_, i) => readUint(text.subarray(2 * i, 2 * i + 2))),
  );
}
