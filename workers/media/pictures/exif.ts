/** What a camera wrote into a picture, as far as its owner is to see it. Positions are not among it, and never read. */
import ExifReader from "exifreader";

export type Exif = { orientation: number | null; takenAt: string | null; camera: string | null };

const CAMERA_MAX = 100;
/** What a JPEG segment can hold. Of twice as much, crafted directories would take the reader ten times as long. */
const EXIF_BYTES = 64 * 1024;
const TAGS = ["Orientation", "DateTimeOriginal", "Make", "Model"];

/** Never fails: a picture with damaged metadata, or none, is as good a picture. */
export function readExif(head: ArrayBuffer): Exif {
  const { Orientation, DateTimeOriginal, Make, Model } = load(head) ?? {};
  return {
    orientation: orientation(Orientation?.value),
    takenAt: takenAt(printable(DateTimeOriginal?.description)),
    camera: camera(printable(Make?.description), printable(Model?.description)),
  };
}

/** Whether a picture of this orientation lies on its side. */
export const isTurned = ({ orientation }: Pick<Exif, "orientation">): boolean => (orientation ?? 1) >= 5;

function load(head: ArrayBuffer) {
  try {
    return ExifReader.load(head.slice(0, EXIF_BYTES), { expanded: true, includeTags: { exif: TAGS } }).exif;
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

/** Many models repeat their maker: "Canon" and "Canon EOS 5D". */
function camera(make: string, model: string): string | null {
  const name = model.toLowerCase().startsWith(make.toLowerCase()) ? model : `${make} ${model}`;
  return Array.from(name).slice(0, CAMERA_MAX).join("").trim() || null;
}

// Without control and format characters, lone surrogates and the like: these are bytes of a stranger's file.
const printable = (text: unknown): string =>
  typeof text === "string"
    ? text
        .toWellFormed()
        .normalize("NFC")
        .replaceAll(/[\p{C}\p{Z}\ufffd]+/gu, " ")
        .trim()
    : "";
