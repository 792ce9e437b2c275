/** Reads an AVIF or HEIC file: its boxes by ranges, and the box that describes its items whole. */
import { readUint } from "../../../../schema/bytes.ts";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { type Box, descend, versioned } from "../../bytes/boxes.ts";
import { cursorOf, latin1 } from "../../bytes/fields.ts";
import { cicpName, isHdr } from "./colour.ts";
import { type Extent, type Item, type Items, ITEMS_MAX, readItems } from "./heif-items.ts";
import { BLOCK_BYTES, BLOCKS_MAX, checkFrames, keep, emptyHeader, type RawHeader, SEGMENTS_MAX } from "./raw-header.ts";
import { checkSize, PIXELS_MAX, type Size } from "./size.ts";
import { visitTopLevelBoxes } from "../../bytes/top-level-boxes.ts";
import { type Windows, windowsOf } from "../../bytes/windows.ts";

/** The largest box that is read whole. That of a grid of 1,000 tiles has less than 100 KB. */
const BOX_BYTES = 512 * 1024;
/** The last row and column of tiles may extend beyond the picture's edge. */
const TILE_PIXELS_MAX = 2 * PIXELS_MAX;

/** Reads the size, the frames and the metadata of an AVIF or HEIC file. */
export async function readHeif(source: ByteSource): Promise<RawHeader> {
  const windows = windowsOf(source);
  const raw = emptyHeader();
  const boxes = await boxesOfFile(windows);
  const [meta, moov] = ["meta", "moov"].map((type) => boxes.find((box) => box.type === type));
  if (moov) readSequence(await readBox(windows, moov), raw);
  if (meta) await readStill(windows, (await readBox(windows, meta)).subarray(4), raw);
  if (boxes.some(({ type }) => type === "mpvd")) raw.carries.add("motion_video");
  if ((boxes.at(-1)?.end ?? 0) < source.size) raw.carries.add("trailer");
  return raw;
}

/** Returns the top-level boxes of a file. Bytes at its end that are too few for a box are ignored. */
async function boxesOfFile(windows: Windows): Promise<Box[]> {
  const boxes: Box[] = [];
  const limit = { most: SEGMENTS_MAX, tooMany: "too_many_segments" } as const;
  await visitTopLevelBoxes(windows.at, windows.size, limit, ({ at, box }) => {
    if (windows.size - at < 8) return false;
    if (!box || box.end > windows.size) throw new Rejected("corrupt");
    boxes.push(box);
    return true;
  });
  return boxes;
}

/** Reads the content of a box. Throws `too_complex` if it is too large. */
async function readBox(windows: Windows, { content, end }: Box): Promise<Uint8Array> {
  if (end - content > BOX_BYTES) throw new Rejected("too_complex");
  return (await windows.at(content, end - content)).slice();
}

async function readStill(windows: Windows, meta: Uint8Array, raw: RawHeader): Promise<void> {
  const items = readItems(meta);
  const primary = items.all.get(items.primary);
  if (!primary) throw new Rejected("corrupt");
  checkExtents(items, windows.size);
  // Alpha, depth and thumbnails are decoded too, so their sizes count.
  for (const { properties } of items.all.values()) {
    for (const { type, content } of properties) if (type === "ispe") checkSize(sizeIn(content));
  }
  for (const { type, content } of primary.properties) {
    if (type === "ispe") Object.assign(raw, sizeIn(content));
    if (type === "clap") Object.assign(raw, croppedSize(raw, content));
    if (type === "irot") raw.turned = ((content[0] ?? 0) & 1) === 1;
    if (type === "colr") readColour(content, raw);
  }
  raw.turned ??= false;
  if (primary.type === "grid") await checkGrid(windows, items, primary);
  const found = (is: (item: Item) => boolean) => [...items.all.values()].filter(is).slice(0, BLOCKS_MAX);
  for (const item of found(({ type }) => type === "Exif")) {
    // The first four bytes state how far after them the TIFF header begins.
    const block = await contentOf(windows, items, item, BLOCK_BYTES + 10);
    keep(raw, "exif", block.subarray(4 + readUint(block.subarray(0, 4))));
  }
  for (const item of found(({ mime }) => mime === "application/rdf+xml")) {
    keep(raw, "xmp", await contentOf(windows, items, item, BLOCK_BYTES));
  }
}

function sizeIn(ispe: Uint8Array): Size {
  const { cursor } = versioned(ispe);
  return { width: cursor.uint(4), height: cursor.uint(4) };
}

/** Returns the size that a clean aperture (two fractions) leaves. The decoder judges an invalid aperture. */
function croppedSize(size: Size, clap: Uint8Array): Size {
  const cursor = cursorOf(clap);
  const [width, height] = [Math.floor(cursor.uint(4) / cursor.uint(4)), Math.floor(cursor.uint(4) / cursor.uint(4))];
  return width > 0 && height > 0 && width <= size.width && height <= size.height ? { width, height } : size;
}

function readColour(colr: Uint8Array, raw: RawHeader): void {
  const cursor = cursorOf(colr);
  const type = latin1(cursor.take(4));
  if (type === "nclx") {
    const [primaries, transfer] = [cursor.uint(2), cursor.uint(2)];
    raw.profile = cicpName(primaries, transfer);
    if (isHdr(transfer)) raw.carries.add("hdr");
  } else raw.icc = cursor.take(Math.min(cursor.left(), BLOCK_BYTES)).slice();
}

/** Throws `corrupt` unless all extents are in the file and disjoint. Equal ones are fine: encoders store those once. */
function checkExtents({ all, idat }: Items, fileBytes: number): void {
  const inFile: Extent[] = [];
  for (const { extents, inIdat } of all.values()) {
    if (extents.some(({ offset, length }) => offset + length > (inIdat ? idat.length : fileBytes))) {
      throw new Rejected("corrupt");
    }
    if (!inIdat) inFile.push(...extents);
  }
  inFile.sort((a, b) => a.offset - b.offset || a.length - b.length);
  for (const [index, { offset, length }] of inFile.entries()) {
    const next = inFile[index + 1];
    if (next && next.offset < offset + length && !(next.offset === offset && next.length === length)) {
      throw new Rejected("corrupt");
    }
  }
}

/** Checks the stated sizes of a grid and of its tiles, because a decoder may allocate memory for either. */
async function checkGrid(windows: Windows, items: Items, grid: Item): Promise<void> {
  const cursor = cursorOf(await contentOf(windows, items, grid, 12));
  cursor.uint(1);
  const sizeBytes = cursor.uint(1) & 1 ? 4 : 2;
  const [rows, columns] = [cursor.uint(1) + 1, cursor.uint(1) + 1];
  if (rows * columns > ITEMS_MAX) throw new Rejected("too_complex");
  checkSize({ width: cursor.uint(sizeBytes), height: cursor.uint(sizeBytes) });
  let pixels = 0;
  for (const id of items.tiles.get(items.primary) ?? []) {
    const ispe = items.all.get(id)?.properties.find(({ type }) => type === "ispe");
    if (!ispe) throw new Rejected("corrupt");
    const { width, height } = sizeIn(ispe.content);
    pixels += width * height;
  }
  if (pixels > TILE_PIXELS_MAX) throw new Rejected("too_many_pixels");
}

/** Returns up to `limit` bytes of an item's first extent, its only one here. A length of 0 means to the end. */
async function contentOf(windows: Windows, { idat }: Items, { extents, inIdat }: Item, limit: number) {
  const { offset = 0, length = 0 } = extents[0] ?? {};
  const bytes = Math.min(length === 0 ? windows.size : length, limit);
  return inIdat ? idat.subarray(offset, offset + bytes) : (await windows.at(offset, bytes)).slice();
}

/** Reads the number of frames of a sequence, and its size in case the file has no still picture. */
function readSequence(moov: Uint8Array, raw: RawHeader): void {
  const table = descend(moov, "trak", "mdia", "minf", "stbl");
  const [sizes, entry] = [table && descend(table, "stsz"), table && descend(table, "stsd")];
  if (!sizes || !entry) throw new Rejected("corrupt");
  const { cursor } = versioned(sizes);
  const [sampleBytes, count] = [cursor.uint(4), cursor.uint(4)];
  if (sampleBytes === 0 && count * 4 > cursor.left()) throw new Rejected("corrupt");
  checkFrames(count);
  // Skips the header of stsd, that of its first entry, and the fields before the size.
  const sample = cursorOf(entry.subarray(8 + 8 + 24));
  const size = { width: sample.uint(2), height: sample.uint(2) };
  checkSize(size);
  Object.assign(raw, { ...size, frames: Math.max(1, count), turned: false });
}
