import { expect, it } from "vitest";
import { cleanUnits, unitFormatOf } from "./nal-units.ts";

const unit = (...bytes: number[]) => [0, 0, bytes.length >> 8, bytes.length & 255, ...bytes];
const packet = (...units: number[][]) => new Uint8Array(units.flat());

const avc = unitFormatOf("avc", new Uint8Array([1, 0x42, 0, 0x1e, 0xff]));
const hevc = unitFormatOf("hevc", new Uint8Array(22).fill(0xff));
if (!avc || !hevc) throw new Error("both have units");

const [picture, parameters] = [unit(0x65, 1, 2, 3), unit(0x67, 9)];
/** A unit with one message, whose type and length take one byte each. */
const sei = (type: number, ...data: number[]) => unit(0x06, type, data.length, ...data, 0x80);
const position = sei(5, ...Array.from({ length: 16 }, () => 7), 51, 30);

/** The bytes 0, 0, 1, which begin a unit wherever they are. */
const START = [0, 0, 1];

it("removes messages with any bytes, and nothing else", () => {
  const [captions, time, reserved] = [sei(4, 181, 0, 49), sei(1, 12, 30, 59), sei(200, 51, 30)];
  const [recovery, brightness] = [sei(6, 0x84), sei(144, 3, 232, 0, 200)];
  expect(
    cleanUnits(packet(parameters, position, captions, recovery, time, brightness, reserved, picture, position), avc),
  ).toEqual(packet(parameters, recovery, brightness, picture));
  const clean = packet(parameters, recovery, picture);
  expect(cleanUnits(clean, avc)).toBe(clean);
});

it("keeps the needed messages of a unit, and escapes them again", () => {
  const mixed = unit(0x06, 5, 2, 51, 30, 144, 4, 0, 0, 3, 1, 0, 1, 2, 51, 30, 0x80);
  expect(cleanUnits(packet(mixed, picture), avc)).toEqual(packet(unit(0x06, 144, 4, 0, 0, 3, 1, 0, 0x80), picture));
});

it("removes messages that are longer than their kind, or followed by more bytes", () => {
  const long = sei(6, ...Array.from({ length: 40 }, () => 51));
  const followed = unit(0x06, 6, 1, 0x84, 0x80, 51, 30, 51, 30);
  const broken = unit(0x06, 6, 1, 0x84, 5, 90, 51, 30);
  expect(cleanUnits(packet(long, picture), avc)).toEqual(packet(picture));
  for (const one of [followed, broken])
    expect(cleanUnits(packet(one, picture), avc)).toEqual(packet(unit(0x06, 6, 1, 0x84, 0x80), picture));
});

it("finds messages after long ones and after escaped bytes", () => {
  const long = [6, 255, 1, ...Array.from({ length: 256 }, () => 1)]; // A message of type 6 with 256 bytes.
  const escaped = [1, 4, 0, 0, 3, 1, 9]; // 4 bytes: 0, 0, 1, 9.
  for (const first of [long, escaped]) {
    const hidden = unit(0x06, ...first, 5, 2, 51, 30, 0x80);
    expect(cleanUnits(packet(hidden, picture), avc)).toEqual(packet(picture));
  }
});

it("removes units of other types, and marks that are longer than marks are", () => {
  const [filler, free, mark] = [unit(12, 51, 30), unit(30, 51, 30), unit(9, 0xf0)];
  expect(cleanUnits(packet(mark, filler, free, unit(9, 51, 30, 51, 30), picture), avc)).toEqual(packet(mark, picture));
});

it("reads a unit that contains start codes as several", () => {
  const hidden = unit(0x65, 1, 2, 3, 0, ...START, 6, 5, 2, 51, 30, 0x80, ...START, 0x41, 9);
  expect(cleanUnits(packet(hidden), avc)).toEqual(packet(picture, unit(0x41, 9)));
  // As long as before: the start code and a zero are as long as a length.
  const same = unit(0x65, 1, 2, 3, 0, ...START, 0x41, 9);
  expect(cleanUnits(packet(same), avc)).toEqual(packet(picture, unit(0x41, 9)));
});

it("reads a packet by its start codes where it has no lengths", () => {
  const stream = new Uint8Array([0, ...START, 6, 5, 2, 51, 30, 0x80, 0, ...START, 0x65, 1, 2, 3, 0, 0]);
  expect(cleanUnits(stream, avc)).toEqual(packet(picture));
  expect(cleanUnits(stream.subarray(1), avc)).toEqual(packet(picture));
  const bare = unitFormatOf("avc", undefined);
  if (!bare) throw new Error("it has units");
  expect(cleanUnits(stream, bare)).toEqual(new Uint8Array([0, ...START, 0x65, 1, 2, 3]));
});

it("recognizes the units of H.265", () => {
  const [before, behind, slice, free] = [
    unit(39 << 1, 1, 5, 1, 51, 0x80),
    unit(40 << 1, 1, 5, 1, 51, 0x80),
    unit(19 << 1, 1, 8),
    unit(62 << 1, 1, 51, 30),
  ];
  expect(cleanUnits(packet(before, slice, free, behind), hevc)).toEqual(packet(slice));
  expect(unitFormatOf("vp9", undefined)).toBeUndefined();
});

it("reads lengths of one byte, and never reads beyond the end", () => {
  const short = unitFormatOf("avc", new Uint8Array([1, 0x42, 0, 0x1e, 0xfc]));
  if (!short) throw new Error("it has units");
  expect(cleanUnits(new Uint8Array([4, 6, 5, 1, 9, 2, 0x65, 1]), short)).toEqual(new Uint8Array([2, 0x65, 1]));
  const whole = packet(position, picture);
  for (let length = 1; length < whole.length; length += 1)
    expect(() => cleanUnits(whole.subarray(0, length), avc)).toThrow(expect.objectContaining({ code: "corrupt" }));
  // Zeros behind the last unit are no damage.
  expect(cleanUnits(new Uint8Array([...packet(picture), 0, 0, 0]), avc)).toEqual(packet(picture));
});

it("refuses packets of more parts than a picture has", () => {
  const tooComplex = expect.objectContaining({ code: "too_complex" }) as Error;
  const many = (part: number[], count = 8193) => new Uint8Array(Array.from({ length: count }, () => part).flat());
  expect(cleanUnits(many([...START, 0x41], 8191), { codec: "avc", lengthBytes: 0 })).toHaveLength(8191 * 5);
  expect(() => cleanUnits(many([...START, 0x41]), { codec: "avc", lengthBytes: 0 })).toThrow(tooComplex);
  expect(() => cleanUnits(many([1, 0x41]), { codec: "avc", lengthBytes: 1 })).toThrow(tooComplex);
  const inOne = [0x41, ...many([...START, 0x41])];
  expect(() => cleanUnits(packet([0, 0, inOne.length >> 8, inOne.length & 255, ...inOne]), avc)).toThrow(tooComplex);
  expect(() => cleanUnits(packet(unit(0x06, ...many([147, 1, 5], 400), 0x80), picture), avc)).toThrow(tooComplex);
});
