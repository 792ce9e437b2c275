/**
 * Recognizes pixel art: small, and of few colours. Enlarged, its pixels are to be seen, while a small photograph has to be
 * smoothed. Only the colours tell one from the other, and only those of the original: renditions have lost them.
 */
import type { Original } from "../files/findings.ts";
import { originalKey, readObject } from "../files/objects.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { Size } from "./formats/size.ts";
import { PALETTE, readHead, rowsOf } from "./png-rows.ts";

/** The longest side, in pixels. Larger pictures are not enlarged much, so both kinds look alike. */
const SIDE_MAX = 256;
/** Consoles of its age had up to 64 colours. A photograph of this size has thousands, and a grey one more than a hundred. */
const COLOURS_MAX = 64;

/** Whether a picture is pixel art. Costs one read of a small PNG, and nothing for any other picture. */
export async function isPixelArt(env: Env, { id, contentType }: Original, { width, height }: Size): Promise<boolean> {
  if (contentType !== "image/png" || Math.max(width, height) > SIDE_MAX) return false;
  const png = await readObject(env, originalKey(id));
  try {
    return await hasFewColours(png);
  } catch {
    return false; // A rare kind of PNG, or one with a fault that the decoder forgives.
  }
}

/** Whether a PNG has between two and COLOURS_MAX colours. Throws an error for rare kinds. */
export async function hasFewColours(png: ReadableStream<Uint8Array>): Promise<boolean> {
  const source = new ByteQueue(png);
  const head = await readHead(source);
  const palette = head.colourType === PALETTE ? (head.chunks.get("PLTE")?.length ?? 0) / 3 : undefined;
  if (palette !== undefined) await source.cancel();
  if (palette !== undefined) return isFew(palette);
  const colours = new Set<number>();
  for await (const row of rowsOf(head, source)) {
    for (let at = 0; at < row.length; at += head.channels)
      colours.add(row.subarray(at, at + head.channels).reduce((value, sample) => value * 256 + sample, 0));
    if (colours.size > COLOURS_MAX) {
      await source.cancel();
      return false;
    }
  }
  return isFew(colours.size);
}

const isFew = (colours: number): boolean => colours > 1 && colours <= COLOURS_MAX;
