/**
 * Reads the parameters of AAC (ISO/IEC 14496-3): the configuration of a decoder (1.6.2.1), and lists of channels
 * (4.4.1.1), which may carry a comment.
 */
import { concatBytes } from "../../../../schema/bytes.ts";
import { Rejected } from "../../files/rejections.ts";
import { type Bits, bitsOf } from "./bits.ts";

/** Main, LC, SSR and LTP. The packets of all others, such as those for telephony, are built otherwise, and few browsers play them. */
const PLAYED = new Set([1, 2, 3, 4]);
/** The extensions by high frequencies and by stereo, which state what they extend. */
const EXTENDED = new Set([5, 29]);
/** Marks of these extensions where they are stated behind the rest, each of 11 bits. */
const [FREQUENCIES, STEREO, MARK_BITS] = [0x2b7, 0x548, 11];
/** Some writers cut a configuration off. What is missing counts as zeros, as in players. A list of channels takes up to 50 bytes. */
const MISSING = new Uint8Array(64);

/**
 * Returns a configuration without the comment in its list of channels and without bytes behind its end. Throws
 * `unsupported_codec` for a kind of AAC that few browsers play.
 */
export function cleanAacConfig(config: Uint8Array): Uint8Array {
  let bytes = concatBytes([config, MISSING]);
  let bits = bitsOf(bytes);
  const stated = objectType(bits);
  skipRate(bits);
  const channels = bits.take(4);
  if (EXTENDED.has(stated)) skipRate(bits);
  const type = EXTENDED.has(stated) ? objectType(bits) : stated;
  if (!PLAYED.has(type)) throw new Rejected("unsupported_codec");
  bits.skip(1);
  if (bits.take(1) === 1) bits.skip(14);
  const hasMore = bits.take(1) === 1;
  let left = config.length;
  if (channels === 0) {
    const comment = commentOf(bits);
    const from = comment.from / 8;
    left -= comment.bytes;
    bytes = concatBytes([bytes.subarray(0, from - 1), new Uint8Array(1), bytes.subarray(from + comment.bytes)]);
    bits = bitsOf(bytes);
    bits.moveTo(from * 8);
  }
  if (hasMore) bits.skip(1);
  if (!EXTENDED.has(stated)) skipExtensions(bits);
  return bytes.subarray(0, Math.min(Math.max(0, left), Math.ceil(bits.at() / 8)));
}

/** Moves behind the extensions that follow the rest, if there are any. */
function skipExtensions(bits: Bits): void {
  if (!skipMark(bits, FREQUENCIES)) return;
  const hasFrequencies = objectType(bits) === 5 && bits.take(1) === 1;
  if (!hasFrequencies) return;
  skipRate(bits);
  if (skipMark(bits, STEREO)) bits.skip(1);
}

function skipMark(bits: Bits, mark: number): boolean {
  const at = bits.at();
  if (bits.take(MARK_BITS) === mark) return true;
  bits.moveTo(at);
  return false;
}

function objectType(bits: Bits): number {
  const type = bits.take(5);
  return type === 31 ? 32 + bits.take(6) : type;
}

function skipRate(bits: Bits): void {
  if (bits.take(4) === 15) bits.skip(24);
}

/** Moves behind a list of channels, and returns where its comment begins, in bits, and its length in bytes. */
export function commentOf(bits: Bits): { from: number; bytes: number } {
  bits.skip(10);
  const [front, side, back] = [bits.take(4), bits.take(4), bits.take(4)];
  const [low, data, coupled] = [bits.take(2), bits.take(3), bits.take(4)];
  for (const length of [4, 4, 3]) if (bits.take(1) === 1) bits.skip(length);
  bits.skip(5 * (front + side + back + coupled) + 4 * (low + data));
  bits.moveTo(Math.ceil(bits.at() / 8) * 8);
  const bytes = bits.take(8);
  const from = bits.at();
  bits.skip(bytes * 8);
  return { from, bytes };
}
