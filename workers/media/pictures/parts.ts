/** What the walkers of the formats find in a file, before anybody has read what is in it. */
import type { Removed } from "../../../schema/media/media-details.ts";
import { Rejected } from "../inspection/rejections.ts";

/** What a JPEG segment can hold. Of twice as much, crafted directories would take ExifReader ten times as long. */
export const BLOCK_BYTES = 64 * 1024;
/** How many blocks of a kind are read; real files have one, and XMP sometimes a second. */
export const BLOCKS_MAX = 4;
/** Segments, chunks or boxes. A PNG of 25 MB in pieces of 8 KB has 3,200. */
export const SEGMENTS_MAX = 20_000;
export const FRAMES_MAX = 2000;

export type Parts = {
  /** In pixels, as stored: before the picture is turned. */
  width: number;
  height: number;
  /** Whether a property of the container lays the picture on its side. EXIF does not count where there are such. */
  turned?: boolean;
  /** 1 of a still. */
  frames: number;
  /** What the container itself says of its colours. */
  profile?: string | undefined;
  /** The beginning of the colour profile, where there is one. */
  icc?: Uint8Array;
  /** TIFF blocks, and XML. At most `BLOCK_BYTES` each. */
  exif: Uint8Array[];
  xmp: Uint8Array[];
  /** What else there is. */
  carries: Set<Removed>;
};

export const noParts = (): Parts => ({ width: 0, height: 0, frames: 1, exif: [], xmp: [], carries: new Set() });

/** Keeps a block to be read. Of more than a few it is only known that they are there. */
export function keep(parts: Parts, kind: "exif" | "xmp", block: Uint8Array): void {
  parts.carries.add(kind);
  if (parts[kind].length < BLOCKS_MAX) parts[kind].push(block.slice(0, BLOCK_BYTES));
}

/** Rejects what has too many. Nothing is ever allocated by a count that a file declares. */
export function checkFrames(frames: number): void {
  if (frames > FRAMES_MAX) throw new Rejected("too_many_frames");
}

/** One character a byte. */
export const latin1 = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);
