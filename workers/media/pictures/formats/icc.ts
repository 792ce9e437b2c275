/** Puts colour profiles together (ICC.1:2022): a header, a table of tags, and their data. */
import { concatBytes } from "../../../../schema/bytes.ts";
import { ascii, u32 } from "../../bytes/fields.ts";

export const HEADER_BYTES = 128;
/** A name, an offset and a length. */
export const ENTRY_BYTES = 12;

/** Returns the profile with this header, into which its size is written, and these tags. Data that several share is stored once. */
export function profileOf(
  header: Uint8Array,
  tags: readonly (readonly [name: string, data: Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const places = new Map<Uint8Array, number>();
  let end = HEADER_BYTES + 4 + tags.length * ENTRY_BYTES;
  const bodies: Uint8Array[] = [];
  for (const [, data] of tags) {
    if (places.has(data)) continue;
    places.set(data, end);
    const padding = new Uint8Array(-data.length & 3);
    bodies.push(data, padding);
    end += data.length + padding.length;
  }
  const table = tags.flatMap(([name, data]) => [ascii(name), u32(places.get(data) ?? 0), u32(data.length)]);
  return concatBytes([u32(end), header.subarray(4), u32(tags.length), ...table, ...bodies]);
}
