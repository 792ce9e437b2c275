/** Truncates a small file of each format at every byte and flips each of its bits: it is either read or rejected. */
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  bytes,
  chunk,
  EOI,
  exifSegment,
  GIF_END,
  gifControl,
  gifExtension,
  gifFrame,
  gifHead,
  heif,
  ihdr,
  ispe,
  PNG_SIGNATURE,
  riffChunk,
  scan,
  segment,
  sof,
  SOI,
  tiff,
  u16,
  vp8x,
  webp,
} from "../../../../tests/runtime/media/picture-bytes.ts";
import type { Removed } from "../../../../schema/media/media-details.ts";
import type { PictureType } from "../../../../schema/media/media-types.ts";
import { bytesInMemory, Metered } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { readHeader } from "./header.ts";

const EXIF = tiff({ orientation: 6, make: "Acme", model: "Phone", taken: "2026:05:01 12:30:59" });
const XMP = "<x:xmpmeta exif:GPSLatitude='51,0N'/>";
const tile = { id: 2, type: "av01", data: bytes("tile"), properties: [ispe(40, 30)] };
const HEIF_ITEMS = [
  { id: 1, type: "grid", data: bytes(0, 0, 0, 0, u16(40), u16(30)), properties: [ispe(40, 30)] },
  tile,
  { id: 3, type: "Exif", data: bytes(0, 0, 0, 0, EXIF) },
  { id: 4, type: "mime", mime: "application/rdf+xml", data: bytes(XMP) },
];

const FILES: Record<PictureType, Uint8Array<ArrayBuffer>> = {
  "image/jpeg": bytes(
    SOI,
    exifSegment(EXIF),
    segment(0xe1, `http://ns.adobe.com/xap/1.0/\0${XMP}`),
    segment(0xfe, "comment"),
    sof(0xc2, 40, 30),
    scan(),
    scan(),
    EOI,
    "trailer",
  ),
  "image/png": bytes(
    PNG_SIGNATURE,
    ihdr(40, 30),
    chunk("iCCP", bytes("name\0\0", deflateSync(new Uint8Array(200)))),
    chunk("eXIf", EXIF),
    chunk("iTXt", bytes("XML:com.adobe.xmp\0\x01\0\0\0", deflateSync(bytes(XMP)))),
    chunk("acTL", new Uint8Array(8)),
    chunk("fcTL", new Uint8Array(26)),
    chunk("IDAT", bytes("data")),
    chunk("IEND"),
    "trailer",
  ),
  "image/gif": bytes(
    gifHead(40, 30),
    gifExtension(0xfe, "comment"),
    gifExtension(0xff, "XMP DataXMP", XMP),
    gifControl,
    gifFrame,
    gifControl,
    gifFrame,
    GIF_END,
  ),
  "image/webp": webp(
    vp8x(40, 30, 2),
    riffChunk("ANMF", new Uint8Array(40)),
    riffChunk("EXIF", EXIF),
    riffChunk("XMP ", XMP),
  ),
  "image/avif": heif(HEIF_ITEMS, { tiles: [2] }),
  "image/heic": heif([tile, ...HEIF_ITEMS.slice(2)], { brand: "heic" }),
};

const CARRIES: Record<PictureType, Removed[]> = {
  "image/jpeg": ["exif", "gps", "xmp", "comment", "trailer"],
  "image/png": ["exif", "gps", "xmp", "trailer"],
  "image/gif": ["gps", "xmp", "comment"],
  "image/webp": ["exif", "gps", "xmp"],
  "image/avif": ["exif", "gps", "xmp"],
  "image/heic": ["exif", "gps", "xmp"],
};

/** Fails unless the file is read or rejected, and the bytes read are at most a few times its size. */
async function expectAnEnd(file: Uint8Array, type: PictureType): Promise<boolean> {
  const source = new Metered(bytesInMemory(file), Infinity, Infinity);
  try {
    const { stored, frames, turned, carries } = await readHeader(source, type);
    const isSound =
      [stored.width, stored.height, frames].every((number) => Number.isInteger(number) && number > 0) &&
      typeof turned === "boolean" &&
      new Set(carries).size === carries.length;
    if (!isSound) expect.fail(JSON.stringify({ type, stored, frames, turned, carries }));
    return true;
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return false;
  } finally {
    if (source.bytesRead > 4 * file.length + 100) expect.fail(`${type}: ${source.bytesRead} of ${file.length} bytes`);
  }
}

describe.each(Object.entries(FILES) as [PictureType, Uint8Array<ArrayBuffer>][])("%s", (type, file) => {
  it("is read when it is intact", async () => {
    const { stored, carries } = await readHeader(bytesInMemory(file), type);
    expect({ stored, carries }).toEqual({ stored: { width: 40, height: 30 }, carries: CARRIES[type] });
  });

  it("is read or rejected when truncated at any byte", async () => {
    for (let length = 0; length < file.length; length += 1) await expectAnEnd(file.slice(0, length), type);
  });

  it("is read or rejected with any bit flipped", async () => {
    let read = 0;
    for (let bit = 0; bit < file.length * 8; bit += 1) {
      const damaged = file.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (await expectAnEnd(damaged, type)) read += 1;
    }
    expect(read).toBeGreaterThan(0);
  });
});
