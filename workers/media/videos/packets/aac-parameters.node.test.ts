import { expect, it } from "vitest";
import { type Field, packed } from "../../../../tests/runtime/media/bit-fields.ts";
import { cleanAacConfig } from "./aac-parameters.ts";

const SECRET = "+52.5200+013.4050/";
const text = (letters: string): Field[] => Array.from(letters, (letter) => [letter.charCodeAt(0), 8]);

/** A kind of AAC, its rate of 44.1 kHz, its channels, and three flags. */
const kind = (type: number, channels = 2): Field[] => [
  ...(type < 31
    ? ([[type, 5]] as Field[])
    : ([
        [31, 5],
        [type - 32, 6],
      ] as Field[])),
  [4, 4],
  [channels, 4],
  [0, 3],
];
/** The mark of high frequencies behind the rest, twice as many, and of stereo. */
const FREQUENCIES: Field[] = [
  [0x2b7, 11],
  [5, 5],
  [1, 1],
  [1, 4],
];
const STEREO: Field[] = [
  [0x548, 11],
  [1, 1],
];

it("keeps a configuration up to its end, and nothing behind it", () => {
  const whole: Field[][] = [
    kind(2),
    kind(1),
    kind(4, 7),
    [...kind(2), ...FREQUENCIES],
    [...kind(2), ...FREQUENCIES, ...STEREO],
    [...kind(2), [0x2b7, 11], [5, 5], [0, 1]],
    [
      [2, 5],
      [15, 4],
      [22_050, 24],
      [1, 4],
      [0, 3],
    ],
    [
      [2, 5],
      [4, 4],
      [2, 4],
      [0, 1],
      [1, 1],
      [0, 14],
      [0, 1],
    ],
    // High frequencies, and stereo, stated first.
    [
      [5, 5],
      [7, 4],
      [2, 4],
      [4, 4],
      [2, 5],
      [0, 3],
    ],
    [
      [29, 5],
      [7, 4],
      [1, 4],
      [4, 4],
      [2, 5],
      [0, 3],
    ],
  ];
  for (const fields of whole) {
    const config = packed(...fields);
    expect(cleanAacConfig(config), String(fields)).toEqual(config);
    expect(cleanAacConfig(new Uint8Array([...config, ...packed(...text(SECRET))])), String(fields)).toEqual(config);
  }
});

it("removes the comment in a list of channels, and keeps what follows it", () => {
  const list: Field[] = [
    [0, 4],
    [1, 2],
    [4, 4],
    [1, 4],
    [0, 4],
    [1, 4],
    [1, 2],
    [0, 3],
    [0, 4],
    [0, 3],
  ];
  // The elements are at the front, at the back, and low; zeros up to a whole byte.
  const listed = (comment: string, ...more: Field[]) =>
    packed(...kind(2, 0), ...list, [0, 5], [16, 5], [0, 4], [comment.length, 8], ...text(comment), ...more);
  expect(cleanAacConfig(listed(SECRET))).toEqual(listed(""));
  expect(cleanAacConfig(listed(SECRET, ...FREQUENCIES))).toEqual(listed("", ...FREQUENCIES));
  expect(cleanAacConfig(listed(SECRET, ...FREQUENCIES, [0, 3], ...text(SECRET)))).toEqual(listed("", ...FREQUENCIES));
});

it("takes what is cut off for zeros", () => {
  const config = packed([5, 5], [7, 4], [2, 4], [4, 4], [2, 5], [0, 3]);
  expect(cleanAacConfig(config.subarray(0, 3))).toEqual(config.subarray(0, 3));
});

it("refuses AAC whose packets are built otherwise", () => {
  for (const type of [0, 6, 17, 23, 39, 42])
    expect(() => cleanAacConfig(packed(...kind(type))), String(type)).toThrow(
      expect.objectContaining({ code: "unsupported_codec" }),
    );
});
