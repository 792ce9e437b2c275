/** Finds the size of a picture as the decoder saw it. */
import { imageSize } from "image-size";
import { WIDTHS } from "../../../schema/api/media.ts";
import { Rejected } from "../files/rejections.ts";
import type { Size } from "./formats/size.ts";

const WIDEST = Math.max(...WIDTHS);

/**
 * Returns the upright size of an original whose widest rendition has the size `seen`. Formats have many ways to rotate,
 * mirror and crop (EXIF in five places, irot, imir, clap), and what counts is how the decoder applied them. `turned` is
 * what the file states; it decides for a picture that is nearly square.
 */
export function uprightSize(stated: Size, seen: Size, turned: boolean): Size {
  if (seen.width < WIDEST) return seen; // It was not scaled, so this is the size.
  const onItsSide = { width: stated.height, height: stated.width };
  const size = (turned ? [onItsSide, stated] : [stated, onItsSide]).find(
    ({ width, height }) => width >= WIDEST && Math.abs((height * WIDEST) / width - seen.height) <= 1,
  );
  // The header describes another picture than the one in the file.
  if (!size) throw new Rejected("corrupt");
  return size;
}

/** Returns the size of a rendition, which comes from our own encoder. */
export function sizeOfRendition(bytes: ArrayBuffer): Size {
  const { width, height } = imageSize(new Uint8Array(bytes));
  return { width, height };
}
