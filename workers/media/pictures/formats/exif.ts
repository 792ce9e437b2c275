/** Reads what a camera wrote into a picture, as far as the owner sees it. Positions are never read. */
import ExifReader from "exifreader";
import { isProportionate } from "./tiff.ts";

export type Exif = {
  orientation: number | null;
  takenAt: string | null;
  takenOffset: string | null;
  camera: string | null;
  lens: string | null;
};

const NAME_MAX = 100;
const TAGS = ["Orientation", "DateTimeOriginal", "OffsetTimeOriginal", "Make", "Model", "LensModel"];
const NOTHING: Exif = { orientation: null, takenAt: null, takenOffset: null, camera: null, lens: null };

/** Reads a TIFF block. Never throws, because a picture with damaged metadata or none is still a valid picture. */
export function readExif(block: Uint8Array | undefined): Exif {
  const tags = block && load(block);
  if (!tags) return NOTHING;
  const text = (tag: { description?: string } | undefined) => printable(tag?.description);
  const taken = takenAt(text(tags.DateTimeOriginal));
  return {
    orientation: orientation(tags.Orientation?.value),
    takenAt: taken,
    takenOffset: taken && offset(text(tags.OffsetTimeOriginal)),
    camera: camera(text(tags.Make), text(tags.Model)),
    lens: cut(text(tags.LensModel)),
  };
}

/** Whether a picture of this orientation is stored on its side. */
export const isTurned = ({ orientation }: Pick<Exif, "orientation">): boolean => (orientation ?? 1) >= 5;

/** Removes control and format characters, lone surrogates and the like, because the file is not trusted. */
export const printable = (text: unknown): string =>
  typeof text === "string"
    ? text
        .toWellFormed()
        .normalize("NFC")
        .replaceAll(/[\p{C}\p{Z}\ufffd]+/gu, " ")
        .trim()
    : "";

function load(block: Uint8Array) {
  if (!isProportionate(block)) return undefined;
  try {
    return ExifReader.load(block.slice().buffer, { expanded: true, includeTags: { exif: TAGS } }).exif;
  } catch {
    return undefined;
  }
}

const orientation = (value: unknown): number | null =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 8 ? value : null;

/** Returns "2026:05:01 12:00:00" as "2026-05-01T12:00:00", or null if that is not a valid time. */
function takenAt(text: string): string | null {
  const [, date, time] = /^(\d{4}:\d\d:\d\d) (\d\d:\d\d:\d\d)$/.exec(text) ?? [];
  if (!date || !time) return null;
  const written = `${date.replaceAll(":", "-")}T${time}`;
  const parsed = new Date(`${written}Z`);
  // 31 February is parsed as a day in March, so it does not match what was written.
  return Number.isNaN(parsed.valueOf()) || !parsed.toISOString().startsWith(written) ? null : written;
}

/** Offsets range from 12 hours behind UTC to 14 hours ahead of it. */
const offset = (text: string): string | null => (/^(-(0\d|1[0-2])|\+(0\d|1[0-4])):[0-5]\d$/.test(text) ? text : null);

/** Many models repeat their make: "Canon" and "Canon EOS 5D". */
const camera = (make: string, model: string): string | null =>
  cut(model.toLowerCase().startsWith(make.toLowerCase()) ? model : `${make} ${model}`);

const cut = (name: string): string | null => Array.from(name).slice(0, NAME_MAX).join("").trim() || null;
