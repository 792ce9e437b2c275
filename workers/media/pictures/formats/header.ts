/** Reads what a picture's file states about itself, without decoding it, and within the limits of its format. */
import { latin1 } from "../../bytes/fields.ts";
import { Removed } from "../../../../schema/media/media-details.ts";
import type { PictureType } from "../../../../schema/media/media-types.ts";
import { type ByteSource, Metered } from "../../bytes/byte-source.ts";
import { iccName } from "./colour.ts";
import { type Exif, isTurned, printable, readExif } from "./exif.ts";
import { readGif } from "./gif.ts";
import { readHeif } from "./heif.ts";
import { readJpeg } from "./jpeg.ts";
import { type RawHeader } from "./raw-header.ts";
import { readPng } from "./png.ts";
import { checkSize, type Size } from "./size.ts";
import { kindsInExif } from "./tiff.ts";
import { readWebp } from "./webp.ts";

export type Header = {
  /** The size as stored, before the picture is rotated. */
  stored: Size;
  /** Whether showing it upright swaps its width and height. */
  turned: boolean;
  /** 1 for a still. */
  frames: number;
  /** The pixels that a decoder goes through for each frame: those of the picture, or of a larger frame. */
  framePixels: number;
  colorProfile: string | null;
  exif: Exif;
  /** What the file contains besides the picture. */
  carries: Removed[];
};

type Reader = { read: (source: Metered) => Promise<RawHeader>; bytesMax: number; readsMax: number };

/** The limits of formats that may be read whole, to find lengths in the data, or to count scans or frames. */
export const WHOLE = { bytesMax: 64 * 1024 * 1024, readsMax: 500 };
/** The limits of formats that have everything needed in a few boxes. */
const BOXES = { bytesMax: 2 * 1024 * 1024, readsMax: 100 };

const READERS: Record<PictureType, Reader> = {
  "image/jpeg": { read: readJpeg, ...WHOLE },
  "image/png": { read: readPng, ...WHOLE },
  "image/gif": { read: readGif, ...WHOLE },
  "image/webp": { read: readWebp, ...WHOLE },
  "image/avif": { read: readHeif, ...BOXES },
  "image/heic": { read: readHeif, ...BOXES },
};

/** Reads the header of a picture. Throws `Rejected` if the file is damaged, too large or too complex. */
export async function readHeader(source: ByteSource, type: PictureType): Promise<Header> {
  const { read, bytesMax, readsMax } = READERS[type];
  const raw = await read(new Metered(source, bytesMax, readsMax));
  checkSize(raw);
  const exif = readExif(raw.exif[0]);
  // A container with its own rotation at most repeats it in EXIF, so EXIF does not count there.
  const orientation = raw.turned === undefined ? exif.orientation : null;
  return {
    stored: { width: raw.width, height: raw.height },
    turned: raw.turned ?? isTurned(exif),
    frames: raw.frames,
    framePixels: Math.max(raw.width * raw.height, raw.framePixels ?? 0),
    colorProfile: profileOf(raw),
    exif: { ...exif, orientation },
    carries: carried(raw),
  };
}

function profileOf({ icc, profile, isProfileFirst }: RawHeader): string | null {
  const name = printable(icc && iccName(icc));
  return (isProfileFirst ? profile || name : name || profile) || null;
}

/** Adds what the metadata blocks contain to what the walker found. Of a position, only its presence is recorded. */
function carried({ carries, exif, xmp }: RawHeader): Removed[] {
  const all = new Set([...carries, ...exif.flatMap(kindsInExif)]);
  for (const text of xmp.map(latin1)) {
    if (/\bexif:GPS[A-Z]/.test(text)) all.add("gps");
    if (/\b(MotionPhoto|MicroVideo)(>|=["'])1|Item:Semantic=["']MotionPhoto/.test(text)) all.add("motion_video");
    if (/\bxmpGImg:image\b/.test(text)) all.add("thumbnail");
  }
  return Removed.options.filter((part) => all.has(part));
}
