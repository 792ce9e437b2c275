/** Finds the size of a picture as the decoder saw it. */
import { imageSize } from "image-size";
import { widthBound } from "../../../schema/media/renditions.ts";
import { Rejected } from "../files/rejections.ts";
import type { Size } from "./formats/size.ts";

/** The rendition that tells the size: the widest one that is made at inspection. */
const WIDEST = "w1080";

/** Returns the upright size that a file states. */
export const expectedSize = ({ width, height }: Size, turned: boolean): Size =>
  turned ? { width: height, height: width } : { width, height };

/**
 * Returns the upright size of an original whose w1080 rendition has the size `seen`. Formats have many ways to rotate,
 * mirror and crop (EXIF in five places, irot, imir, clap), and what counts is how the decoder applied them. `turned` is
 * what the file states; it decides for a picture that is nearly square. The rendition was made for the stated size, or, by an
 * earlier inspection, for the true one.
 */
export function uprightSize(stated: Size, seen: Size, turned: boolean): Size {
  const expected = expectedSize(stated, turned);
  const bound = widthBound(WIDEST, expected);
  const size = [expected, expectedSize(stated, !turned)].find((size) =>
    [bound, widthBound(WIDEST, size)].some((bound) => isScaled(size, seen, bound)),
  );
  if (size) return size.width === seen.width ? seen : size;
  if (seen.width < bound) return seen; // It was not scaled, so this is the size.
  // The header describes another picture than the one in the file.
  throw new Rejected("corrupt");
}

/** Whether a picture of `size`, made no wider than `bound`, has the size `seen`. */
function isScaled({ width, height }: Size, seen: Size, bound: number): boolean {
  const wide = Math.min(bound, width);
  return seen.width === wide && Math.abs((height * wide) / width - seen.height) <= 1;
}

/** Whether two sizes have renditions of the same width. */
export const hasSameBound = (a: Size, b: Size): boolean => widthBound(WIDEST, a) === widthBound(WIDEST, b);

/** Returns the size of a rendition, which comes from our own encoder. */
export function sizeOfRendition(bytes: ArrayBuffer): Size {
  const { width, height } = imageSize(new Uint8Array(bytes));
  return { width, height };
}
