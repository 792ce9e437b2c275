import { expect, it } from "vitest";
import { type Field, packed } from "../../../../tests/runtime/media/bit-fields.ts";
import { cleanerOf } from "./clean-packet.ts";
import { cleanAac, cleanOpus } from "./sound-fill.ts";

const text = (letters: string): Field[] => Array.from(letters, (letter) => [letter.charCodeAt(0), 8]);
const zeros = (count: number): Field[] => Array.from({ length: count }, () => [0, 8]);

/** A single channel, whose contents are not read. */
const SOUND: Field[] = [[0, 3], [0, 4], ...text("sound")];

it("overwrites the fill and data in front of the first sound", () => {
  const long = "x".repeat(20);
  const filled = (...contents: Field[]) =>
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
  const aligned = (...contents: Field[]) => packed([4, 3], [0, 4], [1, 1], [2, 8], ...contents, ...SOUND);
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

it("overwrites the comment in a list of channels", () => {
  const list: Field[] = [
    [5, 3],
    [0, 4],
    [1, 2],
    [4, 4],
    [1, 4],
    [0, 4],
    [0, 4],
    [0, 2],
    [1, 3],
    [0, 4],
  ];
  const mixed: Field[] = [
    [1, 1],
    [0, 4],
    [0, 1],
    [1, 1],
    [0, 3],
  ];
  // A front element and one of data, and zeros up to a whole byte.
  const listed = (...comment: Field[]) =>
    packed(...list, ...mixed, [0, 5], [0, 4], [0, 3], [4, 8], ...comment, ...SOUND);
  expect(cleanAac(listed(...text("+52.")))).toEqual(listed(...zeros(4)));
});

it("leaves packets of surround sound as they are, in which each stream has its own padding", () => {
  const [head, streams] = [new TextEncoder().encode("OpusHead"), 4];
  const config = (count: number, mapping = 1) =>
    new Uint8Array([...head, 1, 6, 0, 0, 0, 0, 0, 0, 0, 0, mapping, count, 2, 0, 4, 1, 2, 3, 5]);
  const packet = new Uint8Array([3, 0x41, 2, 1, 2, 3, 51, 30]);
  expect(cleanerOf("opus", config(streams))(packet)).toBe(packet);
  for (const one of [config(1), config(streams, 0), undefined])
    expect(cleanerOf("opus", one)(packet)).toEqual(new Uint8Array([3, 0x41, 2, 1, 2, 3, 0, 0]));
});
