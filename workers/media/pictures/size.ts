/** How large a picture is: first what its header says, to refuse a bomb before it is decoded; then what the decoder saw. */
import { imageSize } from "image-size";
import { WIDTHS } from "../../../schema/api/media.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { decoding } from "./decoder.ts";
import { bytesAt, originalKey } from "../objects.ts";
import { Rejected } from "../inspection/rejections.ts";

/** In pixels. */
export type Size = { width: number; height: number };

const WIDEST = Math.max(...WIDTHS);
const PIXELS_MAX = 50_000_000;
const SIDE_MAX = 12_000; // The most that the Images binding takes.

// The time image-size takes for the boxes of an AVIF file grows with the square of their number.
const AVIF_BYTES = 32 * 1024;

/** The size that the header states, not yet turned upright. Rejects a size that is none, and one that is too large. */
export async function statedSize(env: Env, id: MediaId, contentType: string, head: Uint8Array): Promise<Size> {
  const start = contentType === "image/avif" ? head.subarray(0, AVIF_BYTES) : head;
  const { width, height } = parsed(start) ?? (await asked(env, id));
  if (!isCount(width) || !isCount(height)) throw new Rejected("corrupt");
  if (width > SIDE_MAX || height > SIDE_MAX || width * height > PIXELS_MAX) throw new Rejected("too_many_pixels");
  return { width, height };
}

/**
 * The upright size of an original, of which `seen` is the size of its widest rendition. Formats have many ways to turn,
 * mirror and crop (EXIF in five places, irot, imir, clap), and what counts is how the decoder took them. `turned` is
 * what EXIF says: it decides where a picture is nearly square.
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

function parsed(head: Uint8Array): Size | undefined {
  try {
    return imageSize(head);
  } catch {
    return undefined;
  }
}

// A header may come after a megabyte of metadata, and image-size does not know every kind of JPEG. The decoder does.
async function asked(env: Env, id: MediaId): Promise<Size> {
  const body = await bytesAt(env, originalKey(id));
  const info = await decoding(env, "corrupt", () => env.IMAGES.info(body));
  if (!("width" in info)) throw new Rejected("corrupt");
  return info;
}

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;
