/** Checks the size that a picture states, to reject a bomb before decoding it. */
import { SIDE_MAX } from "../../../../schema/media/renditions.ts";
import { Rejected } from "../../files/rejections.ts";

/** In pixels. */
export type Size = { width: number; height: number };

export const PIXELS_MAX = 50_000_000;

/** Rejects a size that is invalid or too large. */
export function checkSize({ width, height }: Size): void {
  if (!isCount(width) || !isCount(height)) throw new Rejected("corrupt");
  if (width > SIDE_MAX || height > SIDE_MAX || width * height > PIXELS_MAX) throw new Rejected("too_many_pixels");
}

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;
