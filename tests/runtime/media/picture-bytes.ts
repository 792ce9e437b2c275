/** Pictures for tests, assembled byte by byte: valid ones and ones that no camera writes. Needs no runtime. */

import { detectMediaType } from "../../../schema/media/file-signatures.ts";
import { isVideo, type PictureType } from "../../../schema/media/media-types.ts";
import { Refusal } from "../../../schema/api/refusals.ts";

/** Returns the type that an upload detects, or throws its refusal. */
export function pictureType(file: Uint8Array): PictureType {
  const type = detectMediaType(file);
  if (!type || isVideo(type)) throw new Refusal("unsupported_type");
  return type;
}

/** Concatenates bytes. A number is one byte, and a string has one byte for each character. */
export function bytes(...parts: (number | string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const of = (part: number | string | Uint8Array) =>
    typeof part === "number"
      ? new Uint8Array([part])
      : typeof part === "string"
        ? Uint8Array.from(part, (character) => character.charCodeAt(0))
        : part;
  return new Uint8Array(joined(parts.map(of)));
}

export function joined(parts: Uint8Array[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer;
}

const number = (length: number, value: number) =>
  Uint8Array.from({ length }, (_, index) => Math.floor(value / 256 ** (length - 1 - index)) % 256);
export const u16 = (value: number): Uint8Array => number(2, value);
export const u32 = (value: number): Uint8Array => number(4, value);
export const u64 = (value: number): Uint8Array => number(8, value);
export const le16 = (value: number) => u16(value).reverse();
export const le24 = (value: number) => number(3, value).reverse();
export const le32 = (value: number) => u32(value).reverse();

// PNG

export const PNG_SIGNATURE = bytes(0x89, "PNG\r\n\x1a\n");

export const chunk = (type: string, data: Uint8Array = bytes()): Uint8Array<ArrayBuffer> => {
  const body = bytes(type, data);
  return bytes(u32(data.length), body, u32(crc(body)));
};

export const ihdr = (width: number, height: number): Uint8Array =>
  chunk("IHDR", bytes(u32(width), u32(height), 8, 0, 0, 0, 0)); // 8 bits per pixel, greyscale.

/** Returns the brightness of a pixel, 0 to 255. */
export type Shade = (x: number, y: number) => number;

/** Makes a greyscale PNG. `stated` is the size in its header, by default the true one. */
export async function png(
  width: number,
  height: number,
  stated = { width, height },
  shade: Shade = () => 128,
): Promise<ArrayBuffer> {
  const rows = new Uint8Array((width + 1) * height); // Each begins with 0: no filter.
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + 1 + x] = shade(x, y);
  }
  const pixels = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(pixels).arrayBuffer());
  return bytes(PNG_SIGNATURE, ihdr(stated.width, stated.height), chunk("IDAT", data), chunk("IEND")).buffer;
}

// CRC-32, bit by bit.
function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}

// JPEG

export const SOI = bytes(0xff, 0xd8);
export const EOI = bytes(0xff, 0xd9);

export const segment = (marker: number, data: Uint8Array | string): Uint8Array =>
  bytes(0xff, marker, u16(data.length + 2), data);

/** Makes a frame header with one component. The marker 0xc0 is sequential, 0xc2 progressive. */
export const sof = (marker: number, width: number, height: number): Uint8Array =>
  segment(marker, bytes(8, u16(height), u16(width), 1, 1, 0x11, 0));

/** Makes a scan of one component, with a few bytes of data that no decoder accepts. */
export const scan = (): Uint8Array => bytes(segment(0xda, bytes(1, 1, 0, 0, 63, 0)), 1, 0xff, 0, 2, 0xff, 0xd0, 3);

export const jpegOf = (...segments: Uint8Array[]): Uint8Array<ArrayBuffer> =>
  bytes(SOI, ...segments, sof(0xc0, 40, 30), scan(), EOI);

export const exifSegment = (tiff: Uint8Array): Uint8Array => segment(0xe1, bytes("Exif\0\0", tiff));

// TIFF, the format of EXIF

export type TiffTags = { orientation: number; make: string; model: string; taken: string };

/** Makes one directory, its EXIF directory with the time, and its GPS directory with a latitude of 51 degrees. */
export function tiff({ orientation, make, model, taken }: TiffTags): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(1024));
  let free = 288; // Values that do not fit into an entry go here.
  const entry = (at: number, tag: number, type: number, count: number, value: number) => {
    view.setUint16(at, tag);
    view.setUint16(at + 2, type);
    view.setUint32(at + 4, count);
    if (type === 3) view.setUint16(at + 8, value);
    else view.setUint32(at + 8, value);
  };
  const ascii = (at: number, tag: number, value: string) => {
    const encoded = new TextEncoder().encode(`${value}\0`);
    entry(at, tag, 2, encoded.length, free);
    new Uint8Array(view.buffer).set(encoded, free);
    free += encoded.length;
  };
  view.setUint32(0, 0x4d4d002a); // Big-endian TIFF; its first directory is at 8.
  view.setUint32(4, 8);
  view.setUint16(8, 5);
  ascii(10, 0x010f, make);
  ascii(22, 0x0110, model);
  entry(34, 0x0112, 3, 1, orientation);
  entry(46, 0x8769, 4, 1, 128); // The offset of the EXIF directory.
  entry(58, 0x8825, 4, 1, 256); // The offset of the GPS directory.
  view.setUint16(128, 1);
  ascii(130, 0x9003, taken);
  view.setUint16(256, 2);
  entry(258, 1, 2, 2, 0x4e000000); // "N"
  entry(270, 2, 5, 3, free);
  for (const [index, value] of [51, 1, 30, 1, 0, 1].entries()) view.setUint32(free + index * 4, value);
  return new Uint8Array(view.buffer.slice(0, free + 24));
}

// GIF

const GIF_COLOURS = bytes(0, 0, 0, 255, 255, 255);
export const gifHead = (width: number, height: number): Uint8Array =>
  bytes("GIF89a", le16(width), le16(height), 0x80, 0, 0, GIF_COLOURS);
/** A frame of one black pixel in the corner. */
export const gifFrame = bytes(0x2c, le16(0), le16(0), le16(1), le16(1), 0, 2, 2, 0x44, 1, 0);
/** A control extension with a delay of 0. */
export const gifControl = bytes(0x21, 0xf9, 4, 0, le16(0), 0, 0);
export const gifExtension = (label: number, ...blocks: (string | Uint8Array)[]): Uint8Array =>
  bytes(0x21, label, ...blocks.flatMap((block) => [block.length, block]), 0);
export const GIF_LOOPS_FOR_EVER = gifExtension(0xff, "NETSCAPE2.0", bytes(1, le16(0)));
export const GIF_END = bytes(0x3b);

// WebP

export const riffChunk = (type: string, data: Uint8Array | string): Uint8Array =>
  bytes(type, le32(data.length), data, ...(data.length % 2 ? [0] : []));
export const webp = (...chunks: Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const body = bytes("WEBP", ...chunks);
  return bytes("RIFF", le32(body.length), body);
};
export const vp8x = (width: number, height: number, flags = 0): Uint8Array =>
  riffChunk("VP8X", bytes(flags, 0, 0, 0, le24(width - 1), le24(height - 1)));

// AVIF and HEIC

export const box = (type: string, ...content: (number | string | Uint8Array)[]): Uint8Array => {
  const body = bytes(...content);
  return bytes(u32(body.length + 8), type, body);
};
const fullBox = (type: string, version: number, flags: number, ...content: (number | string | Uint8Array)[]) =>
  box(type, version, 0, 0, flags, ...content);

export const ispe = (width: number, height: number): Uint8Array => fullBox("ispe", 0, 0, u32(width), u32(height));
export const ftyp = (brand: string): Uint8Array => box("ftyp", brand, u32(0), brand, "mif1", "miaf");

export type HeifItem = { id: number; type: string; mime?: string; data: Uint8Array; properties?: Uint8Array[] };
export type HeifOptions = {
  brand?: string;
  /** Overrides for invalid files: extents by item, and extra associations and tiles. */
  extents?: Record<number, [offset: number, length: number]>;
  associations?: number[];
  tiles?: number[];
};

/**
 * Makes a file of `items`, the first of which is the picture. Their bytes are in the `idat` box unless `extents`
 * differs.
 */
export function heif(items: HeifItem[], options: HeifOptions = {}): Uint8Array<ArrayBuffer> {
  const properties = items.flatMap((item) => item.properties ?? []);
  const idat = bytes(...items.map(({ data }) => data));
  let at = 0;
  const locations = items.map(({ id, data }) => {
    const other = options.extents?.[id];
    const [offset, length] = other ?? [at, data.length];
    at += data.length;
    return bytes(u16(id), u16(other ? 0 : 1), u16(0), u16(1), u32(offset), u32(length));
  });
  let property = 0;
  const associated = items.map(({ id, properties = [] }) =>
    bytes(u16(id), properties.length, ...properties.map(() => (property += 1))),
  );
  const again = (options.associations ?? []).map((id) => bytes(u16(id), 0));
  const infe = ({ id, type, mime = "" }: HeifItem) => fullBox("infe", 2, 0, u16(id), u16(0), type, `\0${mime}\0`);
  const meta = fullBox(
    "meta",
    0,
    0,
    fullBox("hdlr", 0, 0, u32(0), "pict", u32(0), u32(0), u32(0), 0),
    fullBox("pitm", 0, 0, u16(items[0]?.id ?? 0)),
    fullBox("iinf", 0, 0, u16(items.length), ...items.map(infe)),
    fullBox("iloc", 1, 0, 0x44, 0x00, u16(items.length), ...locations),
    box(
      "iprp",
      box("ipco", ...properties),
      fullBox("ipma", 0, 0, u32(associated.length + again.length), ...associated, ...again),
    ),
    ...(options.tiles
      ? [
          fullBox(
            "iref",
            0,
            0,
            box("dimg", u16(items[0]?.id ?? 0), u16(options.tiles.length), ...options.tiles.map(u16)),
          ),
        ]
      : []),
    box("idat", idat),
  );
  return bytes(ftyp(options.brand ?? "avif"), meta);
}
