/** The header of a picture in any format as its reader finds it, before the metadata blocks are parsed (header.ts). */
import type { Removed } from "../../../../schema/media/media-details.ts";
import { Rejected } from "../../files/rejections.ts";

/** The capacity of a JPEG segment. With twice as much, crafted directories would take ExifReader ten times as long. */
export const BLOCK_BYTES = 64 * 1024;
/** How many blocks of one kind are read. Real files have one, and sometimes a second one of XMP. */
export const BLOCKS_MAX = 4;
/** Segments, chunks or boxes. A PNG of 25 MB in chunks of 8 KB has 3,200. */
export const SEGMENTS_MAX = 20_000;
export const FRAMES_MAX = 2000;

export type RawHeader = {
  /** In pixels, as stored, before the picture is rotated. */
  width: number;
  height: number;
  /** Whether a property of the container rotates the picture onto its side. If it is set, EXIF does not count. */
  turned?: boolean;
  /** 1 for a still. */
  frames: number;
  /** The pixels of the largest frame, in a format whose frames may be larger than the picture. */
  framePixels?: number;
  /** The colour space that the container itself names. */
  profile?: string | undefined;
  /** Whether that counts before a colour profile. */
  isProfileFirst?: boolean;
  /** The beginning of the colour profile, if there is one. */
  icc?: Uint8Array;
  /** TIFF blocks for `exif`, XML for `xmp`, with at most BLOCK_BYTES each. */
  exif: Uint8Array[];
  xmp: Uint8Array[];
  /** The kinds of metadata found so far. */
  carries: Set<Removed>;
};

/** Returns the header of a still of which nothing has been read yet. */
export const emptyHeader = (): RawHeader => ({ width: 0, height: 0, frames: 1, exif: [], xmp: [], carries: new Set() });

/** Keeps a block to be read later. Beyond BLOCKS_MAX, only the presence of its kind is recorded. */
export function keep(raw: RawHeader, kind: "exif" | "xmp", block: Uint8Array): void {
  raw.carries.add(kind);
  if (raw[kind].length < BLOCKS_MAX) raw[kind].push(block.slice(0, BLOCK_BYTES));
}

/** Rejects a file with too many frames. The count is only compared, so nothing is allocated for it. */
export function checkFrames(frames: number): void {
  if (frames > FRAMES_MAX) throw new Rejected("too_many_frames");
}
