import { expect, it } from "vitest";
import { cleanAv1 } from "./av1-units.ts";

/** A unit with a size of one byte. */
const unit = (type: number, ...content: number[]) => [(type << 3) | 2, content.length, ...content];
const packet = (...units: number[][]) => new Uint8Array(units.flat());

const [sequence, frame] = [unit(1, 0, 1, 2), unit(6, 51, 52, 53)];

it("removes metadata in any format, time codes and padding", () => {
  const light = unit(5, 1, 3, 232, 0, 200, 0x80);
  const clean = packet(sequence, light, frame);
  expect(cleanAv1(clean)).toBe(clean);
  const notes = [
    unit(5, 4, 181, 51, 30),
    unit(5, 5, 12, 30),
    unit(5, 31, 51),
    unit(15, 51, 30),
    unit(8, 1),
    unit(9, 51),
  ];
  expect(cleanAv1(packet(unit(2), sequence, ...notes, light, frame))).toEqual(clean);
  // Longer than its kind.
  expect(cleanAv1(packet(sequence, unit(5, 1, 3, 232, 0, 200, 0x80, 51, 30), frame))).toEqual(packet(sequence, frame));
});

it("reads units with extensions, and a last one without a size", () => {
  const extended = [(6 << 3) | 4 | 2, 0, 1, 9];
  const open = [6 << 3, 51, 52];
  expect(cleanAv1(packet(unit(15, 1), extended, open))).toEqual(packet(extended, open));
  expect(cleanAv1(packet(frame, [15 << 3, 51, 30]))).toEqual(packet(frame));
});

it("rejects a packet that is cut off, or has no picture", () => {
  const whole = packet(unit(15, 1), frame);
  for (let length = 0; length < whole.length; length += 1)
    expect(() => cleanAv1(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: "corrupt" }));
  const endless = new Uint8Array([(6 << 3) | 2, ...Array<number>(12).fill(0xff)]);
  expect(() => cleanAv1(endless)).toThrow(expect.objectContaining({ code: "corrupt" }));
});

it("refuses a packet of more units than a picture has tiles", () => {
  const many = (count: number) => new Uint8Array(Array.from({ length: count }, () => unit(3)).flat());
  expect(cleanAv1(many(8192))).toHaveLength(2 * 8192);
  expect(() => cleanAv1(many(8193))).toThrow(expect.objectContaining({ code: "too_complex" }));
});
