/** Describes a media file in words: its size and length, the metadata it carried, and what inspection removed. */
import type { Media } from "../../schema/api/media.ts";
import type { MediaDetails, Motion, Removed, VideoDetails } from "../../schema/media/media-details.ts";
import { counted, listed } from "./counts.ts";

const KB = 1024;
const MB = KB * KB;

/** The camera's local time is parsed and printed as UTC, so the reader's time zone never shifts it. */
const taken = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

export function size(bytes: number): string {
  if (bytes < KB) return `${bytes} bytes`;
  if (bytes < MB) return `${Math.round(bytes / KB)} kB`;
  return `${(bytes / MB).toFixed(bytes < 10 * MB ? 1 : 0)} MB`;
}

/** A duration as a player shows it: 0:07, 2:40. */
export function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A duration as it is read aloud: "2 minutes and 40 seconds". */
export function spoken(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  const parts = [counted(Math.floor(seconds / 60), "minute"), counted(seconds % 60, "second")];
  return listed(parts.filter((part) => !part.startsWith("0 ")));
}

/** In the order in which they are listed: what people care about most comes first. */
const REMOVED: Record<Removed, string> = {
  gps: "location",
  location: "location",
  exif: "camera data",
  maker_notes: "the camera maker’s own data",
  hdr: "HDR brightness",
  thumbnail: "an embedded preview",
  motion_video: "an embedded clip",
  xmp: "editing data",
  iptc: "press data",
  comment: "a comment",
  metadata: "descriptive data",
  other_tracks: "extra tracks",
  cut_parts: "cut-out parts",
  trailer: "data after the end of the file",
};
const PLURALS = new Set(["extra tracks", "cut-out parts"]);

/** Says what was removed: "Location and camera data were removed." Undefined if nothing was. */
export function removedInWords(removed: readonly Removed[]): string | undefined {
  const names = (Object.keys(REMOVED) as Removed[]).filter((name) => removed.includes(name));
  const words = [...new Set(names.map((name) => REMOVED[name]))];
  const [first] = words;
  if (first === undefined) return undefined;
  const were = words.length > 1 || PLURALS.has(first) ? "were" : "was";
  const sentence = `${listed(words)} ${were} removed.`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** Says what of a trimmed video remains in its file. Undefined if nothing does. */
export function hiddenInWords({ hiddenBeforeMs, hiddenAfterMs }: VideoDetails): string | undefined {
  const parts = [
    ...(hiddenBeforeMs ? [`${tenths(hiddenBeforeMs)} s before the start`] : []),
    ...(hiddenAfterMs ? [`${tenths(hiddenAfterMs)} s after the end`] : []),
  ];
  if (parts.length === 0) return undefined;
  return (
    `${listed(parts)} of your cut remain in the video. Players hide this, but people who download the video can see ` +
    "it. To remove it, export the trimmed video as a new file and upload that."
  );
}

const tenths = (ms: number): string => (Math.ceil(ms / 100) / 10).toFixed(1);

/** Why only the first frame of a moving picture is shown, and what to do about it. */
const STILL: Record<Exclude<Motion, "kept">, string> = {
  too_many_frames: "because it has more than 1,000 frames. To show it moving, shorten it, or upload it as a video.",
  too_many_pixels:
    "because it is too large for phones: a frame may have 8 megapixels, and all frames together 200. To show it moving, " +
    "make it smaller, or upload it as a video.",
  too_large: "because it is larger than 16 MB. To show it moving, make it smaller or shorter, or upload it as a video.",
  turned: "because its file says that it is to be turned. To show it moving, save it upright, or upload it as a video.",
  unsupported: "because of its format. To show it moving, save it as GIF, WebP or PNG, or upload it as a video.",
};

/** Says whether a moving picture will be shown moving. Undefined for a still. */
export function motionInWords({ motion, frames = 0 }: Pick<MediaDetails, "motion" | "frames">): string | undefined {
  if (motion === undefined) return undefined;
  if (motion === "kept") return `Moves, ${counted(frames, "frame")}. Grids and notifications show the first frame.`;
  return `This picture moves. Only its first frame will be shown, ${STILL[motion]}`;
}

const TYPES: Record<string, string> = {
  "image/jpeg": "JPEG",
  "image/png": "PNG",
  "image/gif": "GIF",
  "image/webp": "WebP",
  "image/avif": "AVIF",
  "image/heic": "HEIC",
  "video/mp4": "MP4",
  "video/quicktime": "QuickTime",
  "video/webm": "WebM",
  "video/matroska": "Matroska",
};

/** The file's own metadata, as pairs of a label and a value. */
export function factsOf({ contentType, bytes, width, height, details = {} }: Media): [string, string][] {
  const { video, camera, lens, takenAt, takenOffset, colorProfile, frames } = details;
  const facts: [string, string | undefined][] = [
    ["File", `${TYPES[contentType] ?? contentType}, ${size(bytes)}`],
    ["Size", width && height ? `${width} × ${height} pixels` : undefined],
    ["Length", video && clock(video.durationMs)],
    ["Codec", video && [video.codec, video.audio?.codec].filter(Boolean).join(", ")],
    ["Frames", video?.frameRate ? `${Math.round(video.frameRate * 100) / 100} a second` : frames?.toString()],
    ["Camera", camera],
    ["Lens", lens],
    ["Taken", takenAt && takenInWords(takenAt, takenOffset)],
    ["Colours", colorProfile],
  ];
  return facts.filter((fact): fact is [string, string] => !!fact[1]);
}

function takenInWords(local: string, offset: string | undefined): string {
  const time = new Date(`${local}Z`);
  const words = Number.isNaN(time.getTime()) ? local : taken.format(time);
  return offset ? `${words} (UTC${offset})` : words;
}
