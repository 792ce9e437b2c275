/** Makes ICC profiles (ICC.1:2022) for colour spaces that a file names by the numbers of ITU-T H.273. */
import { concatBytes } from "../../../schema/bytes.ts";
import { ascii } from "../bytes/fields.ts";
import { HEADER_BYTES, profileOf } from "./formats/icc.ts";

/** The red, green and blue of each set of primaries in XYZ, adapted to the white of ICC profiles (D50). */
const PRIMARIES: Record<number, readonly (readonly [number, number, number])[]> = {
  1: [
    [0.43607, 0.22249, 0.01392],
    [0.38515, 0.71687, 0.09708],
    [0.14307, 0.06061, 0.7141],
  ],
  9: [
    [0.67348, 0.27904, -0.00194],
    [0.16566, 0.67534, 0.02998],
    [0.12505, 0.04561, 0.79686],
  ],
  12: [
    [0.51512, 0.2412, -0.00105],
    [0.29198, 0.69225, 0.04189],
    [0.1571, 0.06657, 0.78407],
  ],
};

/** Diffuse white of an HDR picture, in cd/m2 (ITU-R BT.2408). */
const WHITE = 203;
/** The peak that HLG is scaled for, in cd/m2, and its system gamma. */
const HLG_PEAK = 1000;
const HLG_GAMMA = 1.2;
/** Above this share of white, HDR is compressed. */
const KNEE = 0.75;

const power = (exponent: number) => (value: number) => value ** exponent;
const bt709 = (value: number) => (value < 0.081 ? value / 4.5 : ((value + 0.099) / 1.099) ** (1 / 0.45));

/** How bright a stored value is, for each number of a transfer function. 1 is white. */
const TRANSFERS: Record<number, (value: number) => number> = {
  1: bt709,
  4: power(2.2),
  5: power(2.8),
  6: bt709,
  8: power(1),
  13: (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4),
  14: bt709,
  15: bt709,
  16: (value) => compressed(pq(value) / WHITE),
  18: (value) => compressed((HLG_PEAK * hlg(value) ** HLG_GAMMA) / WHITE),
};

/** SMPTE ST 2084, in cd/m2. */
function pq(value: number): number {
  const root = value ** (1 / 78.84375);
  return 10_000 * (Math.max(0, root - 0.8359375) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125);
}

/** The inverse of the HLG curve of ITU-R BT.2100, 0 to 1. */
const hlg = (value: number): number =>
  value <= 0.5 ? value ** 2 / 3 : (Math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12;

/** Fits what is brighter than white in below it. Dark and middle tones stay as they are. */
const compressed = (value: number): number =>
  value <= KNEE ? value : KNEE + (1 - KNEE) * (1 - Math.exp((KNEE - value) / (1 - KNEE)));

/** Returns a profile, or undefined for numbers that are rare or reserved. HDR is mapped to what other screens show. */
export function iccProfileOf(primaries: number, transfer: number): Uint8Array<ArrayBuffer> | undefined {
  const [colours, curve] = [PRIMARIES[primaries], TRANSFERS[transfer]];
  if (!colours || !curve) return undefined;
  const curves = curveTag(curve);
  return profileOf(HEADER, [
    ["desc", textTag("H.273")],
    ["cprt", textTag("CC0")],
    ["wtpt", xyzTag(D50)],
    ...(["rXYZ", "gXYZ", "bXYZ"] as const).map((name, place) => [name, xyzTag(colours[place] ?? D50)] as const),
    ["rTRC", curves],
    ["gTRC", curves],
    ["bTRC", curves],
  ]);
}

const D50 = [0.9642, 1, 0.8249] as const;
const CURVE_POINTS = 1024;

function numbers(bytes: 2 | 4, values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * bytes));
  for (const [place, value] of values.entries())
    if (bytes === 2) view.setUint16(place * 2, value);
    else view.setInt32(place * 4, value);
  return new Uint8Array(view.buffer);
}

/** Numbers with 16 bits after the point. */
const fixed = (values: readonly number[]): Uint8Array =>
  numbers(
    4,
    values.map((value) => Math.round(value * 65_536)),
  );

const tag = (type: string, data: Uint8Array): Uint8Array => concatBytes([ascii(type), new Uint8Array(4), data]);
const xyzTag = (values: readonly number[]): Uint8Array => tag("XYZ ", fixed(values));

/** One text in English, in UTF-16. */
const textTag = (text: string): Uint8Array =>
  tag(
    "mluc",
    concatBytes([
      numbers(4, [1, 12]),
      ascii("enUS"),
      numbers(4, [text.length * 2, 28]),
      numbers(
        2,
        Array.from(text, (letter) => letter.charCodeAt(0)),
      ),
    ]),
  );

function curveTag(curve: (value: number) => number): Uint8Array {
  const points = Array.from({ length: CURVE_POINTS }, (_, place) => {
    const value = curve(place / (CURVE_POINTS - 1));
    return Math.round(65_535 * Math.min(1, Math.max(0, value)));
  });
  return tag("curv", concatBytes([numbers(4, [CURVE_POINTS]), numbers(2, points)]));
}

/** The header of a profile for displays, version 4.3. */
const HEADER = concatBytes([
  numbers(4, [0, 0, 0x04300000]),
  ascii("mntrRGB XYZ "),
  numbers(2, [2026, 1, 1, 0, 0, 0]),
  ascii("acsp"),
  new Uint8Array(28),
  fixed(D50),
  new Uint8Array(HEADER_BYTES - 80),
]);
