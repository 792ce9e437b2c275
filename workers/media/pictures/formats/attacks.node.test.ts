/** Hostile files, each built here byte by byte. None of them is ever decoded. */
import { deflateSync } from "node:zlib";
import { expect, it } from "vitest";
import {
  box,
  bytes,
  chunk,
  EOI,
  exifSegment,
  gifControl,
  gifExtension,
  gifFrame,
  gifHead,
  GIF_END,
  GIF_LOOPS_FOR_EVER,
  ftyp,
  heif,
  type HeifItem,
  ihdr,
  ispe,
  jpegOf,
  PNG_SIGNATURE,
  riffChunk,
  scan,
  segment,
  sof,
  SOI,
  tiff,
  u16,
  u32,
  u64,
  vp8x,
  webp,
  pictureType,
} from "../../../../tests/runtime/media/picture-bytes.ts";
import { processorTime } from "../../../../tests/runtime/media/processor-time.ts";
import type { PictureType } from "../../../../schema/media/media-types.ts";
import { bytesInMemory, Metered } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { type Header, readHeader } from "./header.ts";

/** Enough for every file here that states its size in the first few hundred bytes, and much less than the files. */
const HEAD_BYTES_MAX = 200_000;
const CPU_MS_MAX = 50;

type End = { header?: Header; code?: string; bytesRead: number; cpuMs: number };

async function read(file: Uint8Array, type: PictureType = pictureType(file)): Promise<End> {
  const source = new Metered(bytesInMemory(file), Infinity, Infinity);
  const { result, cpuMs } = await processorTime(async () => {
    try {
      return { header: await readHeader(source, type) };
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      return { code: error.code };
    }
  });
  return { ...result, bytesRead: source.bytesRead, cpuMs };
}

/** Returns the cheapest of three runs, because other programs use the CPU too. */
async function cheapest(file: Uint8Array): Promise<End> {
  const ends = [await read(file), await read(file), await read(file)];
  return ends.reduce((a, b) => (a.cpuMs < b.cpuMs ? a : b));
}

async function refused(file: Uint8Array, code: string, bytesMax = HEAD_BYTES_MAX): Promise<void> {
  const end = await cheapest(file);
  expect(end.code).toBe(code);
  expect(end.bytesRead).toBeLessThanOrEqual(bytesMax);
  expect(end.cpuMs).toBeLessThan(CPU_MS_MAX);
}

async function readable(file: Uint8Array): Promise<Header> {
  const { header, code, cpuMs } = await cheapest(file);
  if (!header) throw new Error(`rejected: ${code}`);
  expect(cpuMs).toBeLessThan(CPU_MS_MAX);
  return header;
}

const many = (count: number, part: Uint8Array): Uint8Array => {
  const all = new Uint8Array(count * part.length);
  for (let index = 0; index < count; index += 1) all.set(part, index * part.length);
  return all;
};
const pngOf = (...chunks: Uint8Array[]) =>
  bytes(PNG_SIGNATURE, ihdr(40, 30), ...chunks, chunk("IDAT", bytes("any")), chunk("IEND"));
const PHOTO = tiff({ orientation: 6, make: "Acme", model: "Phone", taken: "2026:05:01 12:30:59" });
const still = (more: Partial<HeifItem> = {}): HeifItem => ({
  id: 1,
  type: "av01",
  data: bytes("picture"),
  properties: [ispe(40, 30)],
  ...more,
});

it("rejects a PNG that states an impossible size", async () => {
  await refused(bytes(PNG_SIGNATURE, ihdr(65_535, 65_535), chunk("IEND")), "too_many_pixels");
  await refused(bytes(PNG_SIGNATURE, ihdr(0xffffffff, 1), chunk("IEND")), "too_many_pixels");
  await refused(bytes(PNG_SIGNATURE, ihdr(0, 1), chunk("IEND")), "corrupt");
});

it("rejects a WebP with the largest possible canvas", async () => {
  await refused(webp(vp8x(16_383, 16_383), riffChunk("VP8L", bytes("\0\0\0\0"))), "too_many_pixels");
});

it("rejects a GIF whose screen or one of whose frames is too large", async () => {
  await refused(bytes(gifHead(65_535, 65_535), gifFrame, GIF_END), "too_many_pixels");
  const large = gifFrame.slice();
  large.set([255, 255, 255, 255], 5);
  await refused(bytes(gifHead(1, 1), large, GIF_END), "too_many_pixels");
});

it("rejects a GIF of 100,000 frames, and stops reading it at the limit", async () => {
  const file = bytes(gifHead(1, 1), many(100_000, bytes(gifControl, gifFrame)), GIF_END);
  await refused(file, "too_many_frames", 64 * 1024);
});

it("reads a GIF that loops forever and shows its frames for no time", async () => {
  const header = await readable(
    bytes(gifHead(3, 2), GIF_LOOPS_FOR_EVER, gifControl, gifFrame, gifControl, gifFrame, GIF_END),
  );
  expect(header).toMatchObject({ stored: { width: 3, height: 2 }, frames: 2, carries: [] });
});

it("rejects a PNG that states 2^31 frames, and one that has too many", async () => {
  await refused(pngOf(chunk("acTL", bytes(u32(2 ** 31), u32(0)))), "too_many_frames");
  const frame = chunk("fcTL", new Uint8Array(26));
  await refused(pngOf(chunk("acTL", bytes(u32(1), u32(0))), many(3000, frame)), "too_many_frames");
});

it("rejects a JPEG of 80,000 scans, progressive or of one component each", async () => {
  await refused(bytes(SOI, sof(0xc2, 40, 30), many(80_000, scan()), EOI), "too_many_scans");
  const three = segment(0xc0, bytes(8, u16(30), u16(40), 3, 1, 17, 0, 2, 17, 0, 3, 17, 0));
  await refused(bytes(SOI, three, many(80_000, scan()), EOI), "too_many_scans");
});

it("rejects a JPEG of 65,500 segments before its scan or between its scans", async () => {
  const segments = many(65_500, segment(0xc4, bytes(0)));
  await refused(bytes(SOI, segments, sof(0xc0, 40, 30), scan(), EOI), "too_many_segments");
  await refused(bytes(SOI, sof(0xc2, 40, 30), scan(), segments, EOI), "too_many_segments");
  const longest = many(300, segment(0xe5, new Uint8Array(65_533)));
  await refused(bytes(SOI, longest, sof(0xc0, 40, 30), scan(), EOI), "too_complex", 9 * 1024 * 1024);
});

it("rejects a JPEG whose height follows its first scan", async () => {
  const dnl = segment(0xdc, u16(30_000));
  await refused(bytes(SOI, sof(0xc0, 40, 0), scan(), dnl, EOI), "unsupported");
  await refused(bytes(SOI, sof(0xc0, 40, 30), scan(), dnl, EOI), "unsupported");
  await refused(bytes(SOI, sof(0xc2, 40, 30), scan(), dnl, scan(), EOI), "unsupported");
});

it("rejects an AVIF grid with too many tiles or with tiles that are too large", async () => {
  const grid = (rows: number, columns: number, tiles: number[], tile: Uint8Array) =>
    heif(
      [
        still({ type: "grid", data: bytes(0, 0, rows - 1, columns - 1, u16(40), u16(30)) }),
        still({ id: 2, properties: [tile] }),
      ],
      { tiles },
    );
  await refused(grid(256, 256, [2], ispe(40, 30)), "too_complex");
  await refused(
    grid(
      30,
      30,
      Array.from({ length: 60_000 }, () => 2),
      ispe(40, 30),
    ),
    "too_complex",
  );
  await refused(
    grid(
      30,
      30,
      Array.from({ length: 900 }, () => 2),
      ispe(7000, 7000),
    ),
    "too_many_pixels",
  );
  await refused(grid(1, 1, [2], ispe(65_535, 65_535)), "too_many_pixels");
  expect((await readable(grid(1, 1, [2], ispe(40, 30)))).stored).toEqual({ width: 40, height: 30 });
});

it("rejects an AVIF with a small picture and a huge alpha plane", async () => {
  await refused(heif([still(), still({ id: 2, properties: [ispe(65_535, 65_535)] })]), "too_many_pixels");
});

it("rejects an AVIF whose items extend beyond its end or overlap in part", async () => {
  const two = [still(), still({ id: 2 })];
  await refused(heif(two, { extents: { 1: [0, 100_000] } }), "corrupt");
  await refused(heif(two, { extents: { 1: [0xffffffff, 0xffffffff] } }), "corrupt");
  await refused(heif(two, { extents: { 1: [0, 20], 2: [10, 20] } }), "corrupt");
  await readable(heif(two, { extents: { 1: [0, 20], 2: [0, 20] } }));
});

it("rejects a HEIC with two property lists for one item", async () => {
  await refused(heif([still({ type: "hvc1" })], { brand: "heic", associations: [1] }), "corrupt");
});

it("rejects boxes of impossible sizes, and endless or deeply nested boxes", async () => {
  const file = heif([still()]);
  const after = (head: Uint8Array) => bytes(file, head);
  await refused(after(bytes(u32(7), "free")), "corrupt");
  await refused(after(bytes(u32(1), "free", u64(2 ** 53))), "corrupt");
  await refused(after(bytes(u32(1), "free", u64(7))), "corrupt");
  await refused(bytes(ftyp("avif"), u32(0), "free", file), "corrupt"); // This is the last box, so there is no picture.
  expect((await readable(after(bytes(u32(0), "free", "to the end")))).carries).toEqual([]);
  expect((await readable(after(bytes(u32(1), "free", u64(17), "x")))).carries).toEqual([]);

  let nested = new Uint8Array();
  for (let depth = 0; depth < 10_000; depth += 100) {
    const heads = Array.from({ length: 100 }, (_, level) => bytes(u32(nested.length + 8 * (100 - level)), "meta"));
    nested = bytes(...heads, nested);
  }
  await refused(bytes(ftyp("avif"), nested), "corrupt");
  await refused(bytes(ftyp("avif"), many(100_000, box("free"))), "too_many_segments");
});

it("reads a PNG whose compressed chunks are bombs", async () => {
  const bomb = deflateSync(new Uint8Array(60_000_000));
  const chunks = [
    chunk("iCCP", bytes("bomb\0\0", bomb)),
    chunk("zTXt", bytes("Comment\0\0", bomb)),
    ...Array.from({ length: 40 }, () => chunk("zTXt", bytes("Raw profile type exif\0\0", bomb))),
    ...Array.from({ length: 40 }, () => chunk("iTXt", bytes("XML:com.adobe.xmp\0\x01\0\0\0", bomb))),
  ];
  const header = await readable(pngOf(...chunks));
  expect(header).toMatchObject({ colorProfile: null, stored: { width: 40, height: 30 } });
});

it("reads EXIF with cyclic pointers, pointers beyond its end, and huge counts", async () => {
  const changed = (at: number, ...values: number[]) => {
    const block = PHOTO.slice();
    block.set(values, at);
    return jpegOf(exifSegment(block));
  };
  const HUGE = [255, 255, 255, 255];
  const files = [
    changed(4, 0, 0, 0, 8), // The directory, unchanged.
    changed(70, 0, 0, 0, 8), // The next directory is the same one.
    changed(54, 0, 0, 0, 8), // So is the EXIF directory.
    changed(66, 0, 0, 0, 8), // So is the GPS directory.
    changed(4, ...HUGE),
    changed(14, ...HUGE), // The length of a text.
    changed(8, 255, 255), // The number of entries.
    jpegOf(bytes(0xff, 0xe1, 0, 0)),
    jpegOf(bytes(0xff, 0xe1, 0, 1)),
  ];
  for (const file of files) expect((await readable(file)).stored).toEqual({ width: 40, height: 30 });
  expect((await readable(files[0] ?? bytes())).exif).toMatchObject({ orientation: 6, camera: "Acme Phone" });
});

it("reads EXIF in which every entry has the whole block as its value", async () => {
  const block = new Uint8Array(65_000);
  const view = new DataView(block.buffer);
  view.setUint32(0, 0x4d4d002a);
  view.setUint32(4, 8);
  const directory = (at: number, entries: number) => {
    view.setUint16(at, entries);
    for (let entry = 0; entry < entries; entry += 1) {
      const tags = [0x010f, 0x0110, 0x8769, 0x9003, 0xa434];
      view.setUint16(at + 2 + entry * 12, tags[entry % tags.length] ?? 0);
      view.setUint16(at + 4 + entry * 12, entry % tags.length === 2 ? 4 : 2);
      view.setUint32(at + 6 + entry * 12, entry % tags.length === 2 ? 1 : 64_000);
      view.setUint32(at + 10 + entry * 12, 8);
    }
  };
  directory(8, 5000);
  expect((await readable(jpegOf(...Array.from({ length: 8 }, () => exifSegment(block))))).stored.width).toBe(40);
});

it("recognizes a photograph followed by a video, and one with a gain map", async () => {
  const video = bytes(box("ftyp", "mp42"), "and so on");
  expect((await readable(bytes(jpegOf(exifSegment(PHOTO)), video))).carries).toEqual([
    "exif",
    "gps",
    "trailer",
    "motion_video",
  ]);
  const gainMap = jpegOf(segment(0xe2, "MPF\0and where it is"));
  expect((await readable(bytes(gainMap, gainMap))).carries).toEqual(["trailer"]);
});

it("reads polyglot files as pictures and reports what they carry", async () => {
  const zip = "PK\x05\x06\0\0\0\0";
  expect((await readable(bytes(jpegOf(), zip))).carries).toEqual(["trailer"]);
  expect((await readable(jpegOf(segment(0xfe, "<script>alert(1)</script>")))).carries).toEqual(["comment"]);
  expect((await readable(bytes(pngOf(), "<script>"))).carries).toEqual(["trailer"]);
  expect((await readable(bytes(webp(vp8x(4, 4)), zip))).carries).toEqual(["trailer"]);
  expect((await readable(bytes(heif([still()]), box("free", "<html>"), "<b>"))).carries).toEqual(["trailer"]);
  // "/*" is a width of 10,799 here, and the GIF comment closes the script comment.
  const script = bytes("GIF89a/*", bytes(1, 0, 0, 0, 0), gifExtension(0xfe, "*/=alert(1)"), gifFrame, GIF_END, "//");
  expect((await readable(script)).carries).toEqual(["comment", "trailer"]);
  await expect(async () => pictureType(bytes("%PDF-1.7\n", jpegOf()))).rejects.toThrow("unsupported_type");
});

it("does not read 100 MB of zeros that follow a valid file", async () => {
  const zeros = new Uint8Array(100_000_000);
  for (const file of [jpegOf(), pngOf(), bytes(gifHead(1, 1), gifFrame, GIF_END), webp(vp8x(4, 4))]) {
    const { header, bytesRead } = await read(bytes(file, zeros));
    expect(header?.carries).toEqual(["trailer"]);
    expect(bytesRead).toBeLessThan(HEAD_BYTES_MAX);
  }
});

it("reads the size of an animation, and rejects one with too many frames", async () => {
  const frame = riffChunk("ANMF", new Uint8Array(40));
  expect(await readable(webp(vp8x(4, 3, 2), frame, frame))).toMatchObject({
    frames: 2,
    stored: { width: 4, height: 3 },
  });
  await refused(webp(vp8x(4, 3, 2), many(3000, frame)), "too_many_frames");
});
