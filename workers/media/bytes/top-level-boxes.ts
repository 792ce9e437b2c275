import { type Box, headerAt, HEADER_BYTES } from "./boxes.ts";
import { Rejected, type Rejection } from "../files/rejections.ts";

/** The header of a box at `at` in the file: its bytes, and the box, unless they are no valid header. */
export type TopLevelHeader = { at: number; bytes: Uint8Array; box: Box | undefined };

/**
 * Passes `visit` the headers of the top-level boxes of a picture or video, up to the first that is not valid or leads beyond
 * the end, or for which it returns false. Reads a header each, by `read`. Throws `tooMany` for more than `most` boxes. A
 * generator would take twice as long, for files of 20,000 boxes.
 */
export async function visitTopLevelBoxes(
  read: (offset: number, length: number) => Promise<Uint8Array>,
  size: number,
  { most, tooMany }: { most: number; tooMany: Rejection },
  visit: (header: TopLevelHeader) => boolean,
): Promise<void> {
  let boxes = 0;
  for (let at = 0; at < size; boxes += 1) {
    if (boxes === most) throw new Rejected(tooMany);
    const bytes = await read(at, HEADER_BYTES);
    const box = headerAt(bytes, 0, at, size);
    if (!visit({ at, bytes, box }) || !box || box.end > size) return;
    at = box.end;
  }
}
