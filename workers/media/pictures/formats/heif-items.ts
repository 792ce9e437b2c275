/** Reads the items of a HEIF file (ISO/IEC 23008-12): their types, where their bytes are, and their properties. */
import { Rejected } from "../../files/rejections.ts";
import { type BoxContent, contentsOf, descend, versioned } from "../../bytes/boxes.ts";
import { cursorOf, latin1 } from "../../bytes/fields.ts";

/** A picture of 50 megapixels in tiles of 512 by 512 has 200. */
export const ITEMS_MAX = 1000;
const EXTENTS_MAX = 4 * ITEMS_MAX;
/** Associations of properties with items. Each item has a few. */
const ASSOCIATIONS_MAX = 16 * ITEMS_MAX;

export type Extent = { offset: number; length: number };
/** `inIdat`: the extents are offsets in the `idat` box, not in the file. */
export type Item = { type: string; mime: string; extents: Extent[]; inIdat: boolean; properties: BoxContent[] };

export type Items = { primary: number; all: Map<number, Item>; tiles: Map<number, number[]>; idat: Uint8Array };

/** Reads the content of a `meta` box after its version and flags. Throws `corrupt` and `too_complex`. */
export function readItems(meta: Uint8Array): Items {
  const boxes = new Map(contentsOf(meta).map(({ type, content }) => [type, content]));
  const required = (type: string) => {
    const content = boxes.get(type);
    if (!content) throw new Rejected("corrupt");
    return content;
  };
  const pitm = versioned(required("pitm"));
  const primary = pitm.cursor.uint(pitm.version === 0 ? 2 : 4);
  const all = readTypes(required("iinf"));
  readLocations(required("iloc"), all);
  readProperties(required("iprp"), all);
  return { primary, all, tiles: readTiles(boxes.get("iref")), idat: boxes.get("idat") ?? new Uint8Array() };
}

function readTypes(iinf: Uint8Array): Map<number, Item> {
  const { version, cursor } = versioned(iinf);
  cursor.uint(version === 0 ? 2 : 4); // The count, which the boxes themselves reveal.
  const entries = contentsOf(cursor.take(cursor.left()));
  if (entries.length > ITEMS_MAX) throw new Rejected("too_complex");
  return new Map(
    entries.map(({ content }) => {
      const entry = versioned(content);
      const id = entry.cursor.uint(entry.version > 2 ? 4 : 2);
      entry.cursor.uint(2);
      const type = entry.version < 2 ? "" : latin1(entry.cursor.take(4));
      const [, mime = ""] = latin1(entry.cursor.take(entry.cursor.left())).split("\0");
      return [id, { type, mime, extents: [], inIdat: false, properties: [] }];
    }),
  );
}

function readLocations(iloc: Uint8Array, items: Map<number, Item>): void {
  const { version, cursor } = versioned(iloc);
  const sizes = cursor.uint(2);
  const [offsetBytes, lengthBytes, baseBytes, indexBytes] = [12, 8, 4, 0].map((shift) => (sizes >> shift) & 15) as [
    number,
    number,
    number,
    number,
  ];
  if (Math.max(offsetBytes, lengthBytes, baseBytes, indexBytes) > 8) throw new Rejected("corrupt");
  let extents = 0;
  for (let count = cursor.uint(version < 2 ? 2 : 4); count > 0; count -= 1) {
    const item = items.get(cursor.uint(version < 2 ? 2 : 4));
    const method = version === 0 ? 0 : cursor.uint(2) & 15;
    cursor.uint(2);
    const base = cursor.uint(baseBytes);
    if (item) item.inIdat = method === 1;
    for (let left = cursor.uint(2); left > 0; left -= 1) {
      if (version > 0) cursor.uint(indexBytes);
      const extent = { offset: base + cursor.uint(offsetBytes), length: cursor.uint(lengthBytes) };
      if ((extents += 1) > EXTENTS_MAX) throw new Rejected("too_complex");
      item?.extents.push(extent);
    }
  }
}

function readProperties(iprp: Uint8Array, items: Map<number, Item>): void {
  const properties = contentsOf(descend(iprp, "ipco") ?? new Uint8Array());
  const seen = new Set<number>();
  let associations = 0;
  for (const { type, content } of contentsOf(iprp)) {
    if (type !== "ipma") continue;
    const { version, flags, cursor } = versioned(content);
    for (let count = cursor.uint(4); count > 0; count -= 1) {
      const id = cursor.uint(version === 0 ? 2 : 4);
      // If an item had two lists, readers would differ in which one they use.
      if (seen.has(id)) throw new Rejected("corrupt");
      seen.add(id);
      for (let left = cursor.uint(1); left > 0; left -= 1) {
        const index = flags & 1 ? cursor.uint(2) & 0x7fff : cursor.uint(1) & 0x7f;
        const property = properties[index - 1];
        if ((associations += 1) > ASSOCIATIONS_MAX) throw new Rejected("too_complex");
        if (property) items.get(id)?.properties.push(property);
      }
    }
  }
}

/** Returns the tiles that each grid consists of, as item ids by the id of the grid. */
function readTiles(iref: Uint8Array | undefined): Map<number, number[]> {
  const tiles = new Map<number, number[]>();
  if (!iref) return tiles;
  const { version, cursor } = versioned(iref);
  const idBytes = version === 0 ? 2 : 4;
  for (const { type, content } of contentsOf(cursor.take(cursor.left()))) {
    if (type !== "dimg") continue;
    const reference = cursorOf(content);
    const from = reference.uint(idBytes);
    const count = reference.uint(2);
    if (count > ITEMS_MAX) throw new Rejected("too_complex");
    tiles.set(
      from,
      Array.from({ length: count }, () => reference.uint(idBytes)),
    );
  }
  return tiles;
}
