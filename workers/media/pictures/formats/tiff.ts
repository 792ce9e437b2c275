/** Finds out which metadata an EXIF block has without reading the values, so a position is never read. */
import type { Removed } from "../../../../schema/media/media-details.ts";

const [XMP, IPTC, EXIF, GPS, MAKER_NOTE, INTEROPERABILITY] = [0x02bc, 0x83bb, 0x8769, 0x8825, 0x927c, 0xa005];
/** The highest EXIF tag for positions. Damaged pointers may lead to directories of other tags. */
const GPS_TAG_MAX = 0x1f;
const ENTRY_BYTES = 12;
/** The bytes per value of each type, by its number (TIFF 6.0, section 2). */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/** `tags` maps a tag to the last 4 bytes of its entry, the offset of its value. `valueBytes` counts all values. */
type Directory = { tags: Map<number, number>; valueBytes: number; next: number };

/** Returns the kinds of metadata in `block`, a TIFF header with directories; if damaged, those that can be found. */
export function kindsInExif(block: Uint8Array): Removed[] {
  const { first, exif, gps, thumbnail } = directoriesOf(block);
  const found: [Removed, boolean][] = [
    ["gps", gps.some(({ tags }) => [...tags.keys()].some((tag) => tag <= GPS_TAG_MAX))],
    ["maker_notes", exif.tags.has(MAKER_NOTE)],
    ["thumbnail", thumbnail.tags.size > 0],
    ["xmp", first.tags.has(XMP)],
    ["iptc", first.tags.has(IPTC)],
  ];
  return found.filter(([, has]) => has).map(([part]) => part);
}

/** Whether all values together fit into the block. Crafted blocks share one long value among 5,000 entries. */
export function isProportionate(block: Uint8Array): boolean {
  const { first, exif, gps, interoperability, thumbnail } = directoriesOf(block);
  const all = [first, exif, ...gps, interoperability, thumbnail];
  return all.reduce((sum, { valueBytes }) => sum + valueBytes, 0) <= block.length;
}

function directoriesOf(block: Uint8Array) {
  const first = directoryAt(block, viewOf(block).u32(4));
  const inside = (directory: Directory, tag: number) => directoryAt(block, directory.tags.get(tag) ?? 0);
  const exif = inside(first, EXIF);
  return {
    first,
    exif,
    gps: [inside(first, GPS), inside(exif, GPS)],
    interoperability: inside(exif, INTEROPERABILITY),
    thumbnail: directoryAt(block, first.next),
  };
}

function directoryAt(block: Uint8Array, at: number): Directory {
  const { u16, u32 } = viewOf(block);
  const directory: Directory = { tags: new Map(), valueBytes: 0, next: 0 };
  if (at === 0) return directory;
  const room = Math.floor(Math.max(0, block.length - at - 2) / ENTRY_BYTES);
  const end = at + 2 + Math.min(u16(at), room) * ENTRY_BYTES;
  for (let entry = at + 2; entry < end; entry += ENTRY_BYTES) {
    directory.tags.set(u16(entry), u32(entry + 8));
    const bytes = (TYPE_BYTES[u16(entry + 2)] ?? 0) * u32(entry + 4);
    if (bytes <= block.length) directory.valueBytes += bytes; // A longer value cannot be in the block.
  }
  return { ...directory, next: u32(end) };
}

/** Reads numbers in the byte order that the block announces; 0 beyond its end. */
function viewOf(block: Uint8Array) {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const little = block[0] === 0x49;
  return {
    u16: (at: number) => (at + 2 <= view.byteLength ? view.getUint16(at, little) : 0),
    u32: (at: number) => (at + 4 <= view.byteLength ? view.getUint32(at, little) : 0),
  };
}
