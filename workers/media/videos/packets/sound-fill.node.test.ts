import { expect, it } from "vitest";
import { cleanAac, cleanOpus } from "./sound-fill.ts";

/** Packs fields of [value, bits] into bytes. */
function packed(...fields: [value: number, bits: number][]): Uint8Array {
  const bits = fields.flatMap(([value, count]) =>
    Array.from({ length: count }, (_, at) => (value >> (count - at - 1)) & 1),
  );
  return Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, byte) =>
    Array.from({ length: 8 }, (__, bit) => bits[byte * 8 + bit] ?? 0).reduce((value, bit) => value * 2 + bit, 0),
  );
}
const text = (letters: string): [number, number][] => Array.from(letters, (letter) => [letter.charCodeAt(0), 8]);
const zeros = (count: number): [number, number][] => Array.from({ length: count }, () => [0, 8]);

/** A single channel, whose contents are not read. */
const SOUND: [number, number][] = [[0, 3], [0, 4], ...text("sound")];

it("overwrites the fill and data in front of the first sound", () => {
  const long = "x".repeat(20);
  const filled = (...contents: [number, number][]) =>
    packed(
      [6, 3],
      [15, 4],
      [6, 8],
      ...contents.slice(0, 20),
      [4, 3],
      [1, 4],
      [0, 1],
      [4, 8],
      ...contents.slice(20),
      ...SOUND,
    );
  expect(cleanAac(filled(...text(long), ...text("+52.")))).toEqual(filled(...zeros(20), ...zeros(4)));
  const aligned = (...contents: [number, number][]) => packed([4, 3], [0, 4], [1, 1], [2, 8], ...contents, ...SOUND);
  expect(cleanAac(aligned(...text("51")))).toEqual(aligned(...zeros(2)));
});

it("keeps sound, and fill that extends it", () => {
  for (const packet of [
    packed(...SOUND),
    packed([6, 3], [2, 4], [13, 4], [5, 12], ...SOUND),
    packed([6, 3], [0, 4], ...SOUND),
  ])
    expect(cleanAac(packet)).toBe(packet);
});

it("rejects fill that is longer than its packet", () => {
  expect(() => cleanAac(packed([6, 3], [15, 4], [255, 8], ...text("x")))).toThrow(
    expect.objectContaining({ code: "corrupt" }),
  );
  expect(() => cleanAac(new Uint8Array())).toThrow(expect.objectContaining({ code: "corrupt" }));
});

it("overwrites the padding of Opus", () => {
  const frames = [1, 2, 3];
  expect(cleanOpus(new Uint8Array([3, 0x41, 2, ...frames, 51, 30]))).toEqual(
    new Uint8Array([3, 0x41, 2, ...frames, 0, 0]),
  );
  const padding = Array<number>(255).fill(51);
  expect(cleanOpus(new Uint8Array([3, 0x41, 255, 1, ...frames, ...padding]))).toEqual(
    new Uint8Array([3, 0x41, 255, 1, ...frames, ...Array<number>(255).fill(0)]),
  );
  const plain = new Uint8Array([0, 0x41, 2, 51]);
  expect(cleanOpus(plain)).toBe(plain);
  expect(() => cleanOpus(new Uint8Array([3, 0x41, 9, 1]))).toThrow(expect.objectContaining({ code: "corrupt" }));
});
