/** What the browser knows of a file before its upload. The API decides by the bytes what it really is. */
import { DURATION_MAX, PICTURE_MAX, VIDEO_MAX } from "../limits.ts";
import { clock, size } from "../words/media.ts";

/** Lists extensions too, because not every system knows the newer types. */
const PICTURES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/heic", ".heic", ".heif"];
const VIDEOS = [
  "video/mp4",
  "video/quicktime",
  "video/webm",
  "video/matroska",
  ".mp4",
  ".m4v",
  ".mov",
  ".webm",
  ".mkv",
];
/** The `accept` attributes of the file pickers. */
export const ACCEPT = [...PICTURES, ...VIDEOS].join(",");
export const ACCEPT_PICTURES = PICTURES.join(",");

/** Smaller pictures are sent whole, in bytes: starting over costs less than asking how much has arrived. */
const WHOLE_MAX = 5 * 1024 * 1024;

export type Kind = "picture" | "video";
type FileInfo = { name: string; type: string; size: number };

export const kindOf = ({ name, type }: Pick<FileInfo, "name" | "type">): Kind =>
  type.startsWith("video/") || VIDEOS.some((end) => name.toLowerCase().endsWith(end)) ? "video" : "picture";

/** Whether a file is uploaded in parts, and resumes after a lost connection. */
export const isSentInParts = (file: FileInfo): boolean => kindOf(file) === "video" || file.size >= WHOLE_MAX;

/** Why the API would refuse a file, in words; undefined if it may be uploaded. `durationMs`: of a video, if known. */
export function refusalOf(file: FileInfo, durationMs?: number): string | undefined {
  const isVideo = kindOf(file) === "video";
  const max = isVideo ? VIDEO_MAX : PICTURE_MAX;
  if (file.size === 0) return "The file is empty.";
  if (file.size > max) {
    return `${isVideo ? "Videos" : "Photos"} can be up to ${size(max)}; this one is ${size(file.size)}.`;
  }
  if (durationMs !== undefined && durationMs > DURATION_MAX) {
    return `Videos can be up to ${DURATION_MAX / 60_000} minutes long; this one is ${clock(durationMs)}.`;
  }
  return undefined;
}
