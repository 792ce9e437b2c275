/** How large a picture is: first what its header says, to refuse a bomb before it is decoded; then what the decoder saw. */
import { imageSize } from "image-size";
import { WIDTHS } from "../../../schema/api/media.ts";
import { Rejected } from "../inspection/rejections.ts";

/** In pixels. */
export type Size = { width: number; height: number };

const WIDEST = Math.max(...WIDTHS);
export const PIXELS_MAX = 50_000_000;
const SIDE_MAX = 12_000; // The most that the Images binding takes.

/** Rejects a size that is none, and one that is too large. */
export function checkSize({ width, height }: Size): void {
  if (!isCount(width) || !isCount(height)) throw new Rejected("corrupt");
  if (width > SIDE_MAX || height > SIDE_MAX || width * height > PIXELS_MAX) throw new Rejected("too_many_pixels");
}

/**
 * The upright size of an original, of which `seen` is the size of its widest rendition. Formats have many ways to turn,
 * mirror and crop (EXIF in five places, irot, imir, clap), and what counts is how the decoder took them. `turned` is
 * what the file says: it decides where a picture is nearly square.
 */
export function uprightSize(stated: Size, seen: Size, turned: boolean): Size {
  if (seen.width < WIDEST) return seen; // It was not scaled, so this is the size.
  const onItsSide = { width: stated.height, height: stated.width };
  const size = (turned ? [onItsSide, stated] : [stated, onItsSide]).find(
    ({ width, height }) => width >= WIDEST && Math.abs((height * WIDEST) / width - seen.height) <= 1,
  );
  // The header told of another picture than the one that is in the file.
  if (!size) throw new Rejected("corrupt");
  return size;
}

/** The size of a rendition, which our own encoder made. */
export function sizeOfRendition(bytes: ArrayBuffer): Size {
  const { width, height } = imageSize(new Uint8Array(bytes));
  return { width, height };
}

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;
