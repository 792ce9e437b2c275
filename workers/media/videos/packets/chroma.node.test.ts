import { expect, it } from "vitest";
import { type Field, golomb, packed } from "../../../../tests/runtime/media/bit-fields.ts";
import { checkChroma } from "./chroma.ts";

const [GREY, HALF, WIDE, FULL] = [0, 1, 2, 3];
const colours = (chroma: number): Field[] => [golomb(chroma), ...(chroma === FULL ? [[0, 1] as Field] : [])];
const depth = (bits: number): Field[] => [golomb(bits - 8), golomb(bits - 8)];

/** The beginning of a sequence parameter set of H.264. */
const avc = (profile: number, chroma = HALF, bits = 8) =>
  packed([0x67, 8], [profile, 8], [0, 8], [31, 8], golomb(0), ...colours(chroma), ...depth(bits), [0, 32]);

/** The same of H.265, with a number of layers of frame rates, each of which may have its own profile. */
function hevc(chroma: number, bits: number, layers = 0, layer = 0) {
  const profile: Field[] = [
    [1, 8],
    [0x60000000, 32],
    [0x9000, 16],
    [0, 32],
  ];
  const flags: Field[] = Array.from({ length: layers }, (): Field => [3, 2]);
  const each = Array.from({ length: layers }, (): Field[] => [...profile, [93, 8]]).flat();
  const fill: Field[] = layers > 0 ? [[0, 2 * (8 - layers)]] : [];
  const size = [
    ...colours(chroma),
    golomb(1920),
    golomb(1080),
    [1, 1] as Field,
    golomb(0),
    golomb(0),
    golomb(0),
    golomb(4),
  ];
  const header: Field[] = [
    [33, 7],
    [layer, 6],
    [1, 3],
    [0, 4],
    [layers, 3],
    [1, 1],
  ];
  return packed(
    ...header,
    ...profile,
    [93, 8],
    ...flags,
    ...fill,
    ...each,
    golomb(0),
    ...size,
    ...depth(bits),
    [0, 32],
  );
}

const REFUSED = expect.objectContaining({ code: "unsupported_chroma" }) as Error;

it("accepts H.264 with 4:2:0 and 8 bits only", () => {
  for (const profile of [66, 77, 88]) expect(() => checkChroma(avc(profile, FULL, 10), "avc")).not.toThrow(); // States none.
  expect(() => checkChroma(avc(100), "avc")).not.toThrow();
  // A profile says what a decoder must be able to do, and a file may need less.
  for (const profile of [110, 122, 244]) expect(() => checkChroma(avc(profile), "avc")).not.toThrow();
  for (const [chroma, bits] of [
    [WIDE, 8],
    [FULL, 8],
    [GREY, 8],
    [HALF, 10],
    [HALF, 9],
  ] as const)
    expect(() => checkChroma(avc(122, chroma, bits), "avc"), `${chroma} ${bits}`).toThrow(REFUSED);
});

it("accepts H.265 with 4:2:0 and up to 10 bits only", () => {
  for (const layers of [0, 1, 6]) {
    expect(() => checkChroma(hevc(HALF, 8, layers), "hevc")).not.toThrow();
    expect(() => checkChroma(hevc(HALF, 10, layers), "hevc")).not.toThrow();
    for (const chroma of [WIDE, FULL, GREY])
      expect(() => checkChroma(hevc(chroma, 8, layers), "hevc")).toThrow(REFUSED);
    expect(() => checkChroma(hevc(HALF, 12, layers), "hevc")).toThrow(REFUSED);
  }
  // The second eye of a spatial video.
  expect(() => checkChroma(hevc(FULL, 12, 0, 1), "hevc")).not.toThrow();
});

it("rejects a set that is cut off", () => {
  for (let length = 1; length < 5; length += 1)
    expect(() => checkChroma(avc(100).subarray(0, length), "avc")).toThrow(
      expect.objectContaining({ code: "corrupt" }),
    );
  expect(() => checkChroma(new Uint8Array(200), "hevc")).toThrow(expect.objectContaining({ code: "corrupt" }));
});
