import { expect, it } from "vitest";
import { unitFormatOf, withoutUserData } from "./user-data.ts";

const unit = (...bytes: number[]) => [0, 0, bytes.length >> 8, bytes.length & 255, ...bytes];
const packet = (...units: number[][]) => new Uint8Array(units.flat());

const avc = unitFormatOf("avc", new Uint8Array([1, 0x42, 0, 0x1e, 0xff]));
const hevc = unitFormatOf("hevc", new Uint8Array(22).fill(0xff));
if (!avc || !hevc) throw new Error("both have units");

const [picture, parameters] = [unit(0x65, 1, 2, 3), unit(0x67, 9)];
/** A unit with one message, whose type and length take one byte each. */
const sei = (type: number, ...data: number[]) => unit(0x06, type, data.length, ...data, 0x80);
const position = sei(5, ...Array.from({ length: 16 }, () => 7), 51, 30);

it("removes user data, and nothing else", () => {
  const captions = sei(4, 181, 0, 49);
  expect(withoutUserData(packet(parameters, position, captions, picture, position), avc)).toEqual(
    packet(parameters, captions, picture),
  );
  const clean = packet(parameters, captions, picture);
  expect(withoutUserData(clean, avc)).toBe(clean);
});

it("finds user data after long messages and after escaped bytes", () => {
  const long = [6, 255, 1, ...Array.from({ length: 256 }, () => 1)]; // A message of type 6 with 256 bytes.
  const escaped = [1, 4, 0, 0, 3, 1, 9]; // 4 bytes: 0, 0, 1, 9.
  for (const first of [long, escaped]) {
    const hidden = unit(0x06, ...first, 5, 2, 51, 30, 0x80);
    expect(withoutUserData(packet(hidden, picture), avc)).toEqual(packet(picture));
  }
});

it("recognizes the units of H.265", () => {
  const [before, behind, slice] = [
    unit(39 << 1, 1, 5, 1, 51, 0x80),
    unit(40 << 1, 1, 5, 1, 51, 0x80),
    unit(19 << 1, 1, 8),
  ];
  expect(withoutUserData(packet(before, slice, behind), hevc)).toEqual(packet(slice));
  expect(unitFormatOf("vp9", undefined)).toBeUndefined();
});

it("reads lengths of one byte, and never reads beyond the end", () => {
  const short = unitFormatOf("avc", new Uint8Array([1, 0x42, 0, 0x1e, 0xfc]));
  if (!short) throw new Error("it has units");
  expect(withoutUserData(new Uint8Array([4, 6, 5, 1, 9, 2, 0x65, 1]), short)).toEqual(new Uint8Array([2, 0x65, 1]));
  const whole = packet(position, picture);
  for (let length = 1; length < whole.length; length += 1) {
    const cut = whole.subarray(0, length);
    try {
      expect(withoutUserData(cut, avc).length).toBeLessThanOrEqual(length);
    } catch (error) {
      expect(error).toMatchObject({ code: "corrupt" });
    }
  }
});
