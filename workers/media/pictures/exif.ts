/** What a camera wrote into a picture, as far as its owner is to see it. Positions are not among it, and never read. */
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

/** Of a TIFF block. Never fails: a picture with damaged metadata, or none, is as good a picture. */
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

/** Whether a picture of this orientation lies on its side. */
export const isTurned = ({ orientation }: Pick<Exif, "orientation">): boolean => (orientation ?? 1) >= 5;

/** Without control and format characters, lone surrogates and the like: these are bytes of a stranger's file. */
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

/** "2026:05:01 12:00:00" as "2026-05-01T12:00:00", if there was such a second. */
function takenAt(text: string): string | null {
  const [, date, time] = /^(\d{4}:\d\d:\d\d) (\d\d:\d\d:\d\d)$/.exec(text) ?? [];
  if (!date || !time) return null;
  const written = `${date.replaceAll(":", "-")}T${time}`;
  const parsed = new Date(`${written}Z`);
  // The 31st of February is parsed as a day of March, and comes back as another one.
  return Number.isNaN(parsed.valueOf()) || !parsed.toISOString().startsWith(written) ? null : written;
}

/** Places are between 12 hours behind UTC and 14 before it. */
const offset = (text: string): string | null => (/^(-(0\d|1[0-2])|\+(0\d|1[0-4])):[0-5]\d$/.test(text) ? text : null);

/** Many models repeat their maker: "Canon" and "Canon EOS 5D". */
const camera = (make: string, model: string): string | null =>
  cut(model.toLowerCase().startsWith(make.toLowerCase()) ? model : `${make} ${model}`);

const cut = (name: string): string | null => Array.from(name).slice(0, NAME_MAX).join("").trim() || null;
