/** What a picture's file says of itself, without decoding it: as much is read as its kind needs, and never more than agreed. */
import { Removed } from "../../../schema/media/media-details.ts";
import type { PictureType } from "../../../schema/media/media-types.ts";
import { type ByteSource, Metered } from "../inspection/byte-source.ts";
import { iccName } from "./colour.ts";
import { type Exif, isTurned, printable, readExif } from "./exif.ts";
import { readGif } from "./gif.ts";
import { readHeif } from "./heif.ts";
import { readJpeg } from "./jpeg.ts";
import { latin1, type Parts } from "./parts.ts";
import { readPng } from "./png.ts";
import { checkSize, type Size } from "./size.ts";
import { partsOfExif } from "./tiff.ts";
import { readWebp } from "./webp.ts";

export type Header = {
  /** As stored, before the picture is turned. */
  stored: Size;
  /** Whether it is to be shown lying on the other side. */
  turned: boolean;
  /** 1 of a still. */
  frames: number;
  colorProfile: string | null;
  exif: Exif;
  /** What the file has beside its picture. */
  carries: Removed[];
};

type Reader = { read: (source: Metered) => Promise<Parts>; bytesMax: number; readsMax: number };

/** What may have to be read from its first byte to its last: lengths that stand in the data alone, scans and frames to count. */
const WHOLE = { bytesMax: 64 * 1024 * 1024, readsMax: 500 };
/** What has all that is wanted in a few boxes. */
const BOXES = { bytesMax: 2 * 1024 * 1024, readsMax: 100 };

const READERS: Record<PictureType, Reader> = {
  "image/jpeg": { read: readJpeg, ...WHOLE },
  "image/png": { read: readPng, ...WHOLE },
  "image/gif": { read: readGif, ...WHOLE },
  "image/webp": { read: readWebp, ...WHOLE },
  "image/avif": { read: readHeif, ...BOXES },
  "image/heic": { read: readHeif, ...BOXES },
};

/** Throws `Rejected` if the file is damaged, too large or too complex. */
export async function readHeader(source: ByteSource, type: PictureType): Promise<Header> {
  const { read, bytesMax, readsMax } = READERS[type];
  const parts = await read(new Metered(source, bytesMax, readsMax));
  checkSize(parts);
  const exif = readExif(parts.exif[0]);
  // A container that turns its pictures itself repeats that in EXIF at most.
  const orientation = parts.turned === undefined ? exif.orientation : null;
  return {
    stored: { width: parts.width, height: parts.height },
    turned: parts.turned ?? isTurned(exif),
    frames: parts.frames,
    colorProfile: profileOf(parts),
    exif: { ...exif, orientation },
    carries: carried(parts),
  };
}

const profileOf = ({ icc, profile }: Parts): string | null => printable(icc && iccName(icc)) || profile || null;

/** What the blocks contain is added to what the walker saw. Of a position only that there is one. */
function carried({ carries, exif, xmp }: Parts): Removed[] {
  const all = new Set([...carries, ...exif.flatMap(partsOfExif)]);
  for (const text of xmp.map(latin1)) {
    if (/\bexif:GPS[A-Z]/.test(text)) all.add("gps");
    if (/\b(MotionPhoto|MicroVideo)(>|=["'])1|Item:Semantic=["']MotionPhoto/.test(text)) all.add("motion_video");
    if (/\bxmpGImg:image\b/.test(text)) all.add("thumbnail");
  }
  return Removed.options.filter((part) => all.has(part));
}
