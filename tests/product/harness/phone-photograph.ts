/** A photograph as a phone writes it: rotated only by an EXIF flag, and with the location where it was taken. */
import type { Photograph } from "../../../scripts/seed/seed-data.ts";
import { readPhotograph } from "../../../scripts/seed/seed.ts";

/** EXIF orientation 6: to be rotated clockwise by 90 degrees. */
const TURNED = 6;

// TIFF field types.
const ASCII = 2;
const SHORT = 3;
const LONG = 4;
const RATIONAL = 5;

type Entry = { tag: number; type: number; count: number; value: Buffer };

const EXIF_MARKER = 0xffe1;
const TIFF_HEADER_BYTES = 8;

/** The photograph `name`, with a phone's EXIF in place of its own. */
export function fromPhone(name: Photograph, camera: string): Uint8Array<ArrayBuffer> {
  const jpeg = Buffer.from(readPhotograph(name));
  if (jpeg.readUInt16BE(2) !== EXIF_MARKER) throw new Error(`${name} does not begin with its EXIF`);
  const rest = jpeg.subarray(4 + jpeg.readUInt16BE(4));
  return new Uint8Array(Buffer.concat([jpeg.subarray(0, 2), exifSegment(camera), rest]));
}

function exifSegment(camera: string): Buffer {
  const gps = [ascii(0x0001, "N"), rationals(0x0002, [47, 22, 8]), ascii(0x0003, "E"), rationals(0x0004, [8, 32, 30])];
  const entries = (gpsAt: number) => [ascii(0x0110, camera), short(0x0112, TURNED), long(0x8825, gpsAt)];
  const gpsAt = TIFF_HEADER_BYTES + directory(entries(0), 0).length;
  const header = Buffer.from([0x49, 0x49, 42, 0, TIFF_HEADER_BYTES, 0, 0, 0]); // "II": little-endian.
  const tiff = Buffer.concat([header, directory(entries(gpsAt), TIFF_HEADER_BYTES), directory(gps, gpsAt)]);
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
  const start = Buffer.alloc(4);
  start.writeUInt16BE(EXIF_MARKER, 0);
  start.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([start, body]);
}

/** An image file directory for the offset `offset`: its entries, followed by the values longer than 4 bytes. */
function directory(entries: Entry[], offset: number): Buffer {
  const fixed = Buffer.alloc(2 + entries.length * 12 + 4);
  fixed.writeUInt16LE(entries.length, 0);
  const values: Buffer[] = [];
  let valueAt = offset + fixed.length;
  for (const [index, { tag, type, count, value }] of entries.entries()) {
    const at = 2 + index * 12;
    fixed.writeUInt16LE(tag, at);
    fixed.writeUInt16LE(type, at + 2);
    fixed.writeUInt32LE(count, at + 4);
    if (value.length <= 4) {
      value.copy(fixed, at + 8);
      continue;
    }
    fixed.writeUInt32LE(valueAt, at + 8);
    values.push(value);
    valueAt += value.length;
  }
  return Buffer.concat([fixed, ...values]);
}

function ascii(tag: number, text: string): Entry {
  const value = Buffer.from(`${text}\0`, "latin1");
  return { tag, type: ASCII, count: value.length, value };
}

function short(tag: number, number: number): Entry {
  const value = Buffer.alloc(2);
  value.writeUInt16LE(number);
  return { tag, type: SHORT, count: 1, value };
}

function long(tag: number, number: number): Entry {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(number);
  return { tag, type: LONG, count: 1, value };
}

function rationals(tag: number, numbers: number[]): Entry {
  const value = Buffer.alloc(numbers.length * 8);
  for (const [index, number] of numbers.entries()) {
    value.writeUInt32LE(number, index * 8);
    value.writeUInt32LE(1, index * 8 + 4);
  }
  return { tag, type: RATIONAL, count: numbers.length, value };
}
