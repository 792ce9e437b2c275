/**
 * Rejects videos in H.264 and H.265 whose colours most browsers and phones do not play. It reads the sequence parameter
 * sets themselves: the names of profiles only say what a decoder must be able to do.
 */
import { Rejected } from "../../files/rejections.ts";
import { type Bits, bitsOf } from "./bits.ts";
import { withoutEscapes } from "./sei-messages.ts";

/** Colours at half the resolution in both directions (4:2:0). */
const HALF = 1;
/** Colours at full resolution (4:4:4) may be coded in separate planes. */
const FULL = 3;
/** The most bits a sample that phones and browsers decode. */
const BITS_MAX = { avc: 8, hevc: 10 };
/** The profiles of H.264 that state their colours. All others have 8 bits and 4:2:0. */
const WITH_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 134, 135, 138, 139]);

/** Throws `unsupported_chroma` if a sequence parameter set states other colours than 4:2:0 or more bits than are played. */
export function checkChroma(set: Uint8Array, codec: "avc" | "hevc"): void {
  const { chroma, bits } = codec === "avc" ? ofAvc(set) : ofHevc(set);
  if (chroma !== HALF || bits > BITS_MAX[codec]) throw new Rejected("unsupported_chroma");
}

type Chroma = { chroma: number; bits: number };
const USUAL: Chroma = { chroma: HALF, bits: 8 };

/** ITU-T H.264, 7.3.2.1.1. */
function ofAvc(set: Uint8Array): Chroma {
  const bits = bitsOf(withoutEscapes(set.subarray(1)));
  const profile = bits.take(8);
  if (!WITH_CHROMA.has(profile)) return USUAL;
  bits.skip(16);
  bits.golomb();
  const chroma = bits.golomb();
  if (chroma === FULL) bits.skip(1);
  return { chroma, bits: depthIn(bits) };
}

/** ITU-T H.265, 7.3.2.2.1. A set of another layer, such as that of a second eye, is no part of what browsers play. */
function ofHevc(set: Uint8Array): Chroma {
  const [first = 0, second = 0] = set;
  if (((first & 1) << 5) | (second >> 3)) return USUAL;
  const bits = bitsOf(withoutEscapes(set.subarray(2)));
  bits.skip(4);
  const layers = bits.take(3);
  bits.skip(1 + PROFILE_BITS + LEVEL_BITS);
  const present = Array.from({ length: layers }, () => bits.take(1) * PROFILE_BITS + bits.take(1) * LEVEL_BITS);
  if (layers > 0) bits.skip(2 * (8 - layers));
  bits.skip(present.reduce((sum, length) => sum + length, 0));
  bits.golomb();
  const chroma = bits.golomb();
  if (chroma === FULL) bits.skip(1);
  bits.golomb();
  bits.golomb();
  if (bits.take(1) === 1) for (let side = 0; side < 4; side += 1) bits.golomb();
  return { chroma, bits: depthIn(bits) };
}

const [PROFILE_BITS, LEVEL_BITS] = [88, 8];

/** Reads the number of bits of brightness and of colours, and returns the larger. */
function depthIn(bits: Bits): number {
  return 8 + Math.max(bits.golomb(), bits.golomb());
}
