import { type Box, headerAt, HEADER_BYTES } from "./boxes.ts";
import { Rejected, type Rejection } from "../files/rejections.ts";

/** The header of a box at `at` in the file: its bytes, and the box, unless they are no valid header. */
export type TopLevelHeader = { at: number; bytes: Uint8Array; box: Box | undefined };

/**
 * Yields the headers of the top-level boxes of a picture or video, up to the first that is not valid or leads beyond the
 * end. Reads a header each, by `read`. Throws `tooMany` for more than `most` boxes.
 */
export async function* topLevelBoxes(
  read: (offset: number, length: number) => Promise<Uint8Array>,
  size: number,
  most: number,
  tooMany: Rejection,
): AsyncGenerator<TopLevelHeader, void> {
  let boxes = 0;
  for (let at = 0; at < size; boxes += 1) {
    if (boxes === most) throw new Rejected(tooMany);
    const bytes = await read(at, HEADER_BYTES);
    const box = headerAt(bytes, 0, at, size);
    yield { at, bytes, box };
    if (!box || box.end > size) return;
    at = box.end;
  }
}
