/** What is known of a file before it is sent. What it really is the API decides, by its bytes. */
import { DURATION_MAX, PICTURE_MAX, VIDEO_MAX } from "./limits.ts";
import { clock, size } from "./media-words.ts";

/** Extensions too, because not every system knows the newer types. */
const PICTURES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/heic", ".heic", ".heif"];
const VIDEOS = ["video/mp4", "video/quicktime", "video/webm", ".mp4", ".m4v", ".mov", ".webm"];
/** For the file picker. */
export const ACCEPT = [...PICTURES, ...VIDEOS].join(",");

/** A smaller picture is sent whole: to begin again costs less than to ask how far one has come. In bytes. */
const WHOLE_MAX = 5 * 1024 * 1024;

export type Kind = "picture" | "video";
type Named = { name: string; type: string; size: number };

export const kindOf = ({ name, type }: Pick<Named, "name" | "type">): Kind =>
  type.startsWith("video/") || VIDEOS.some((end) => name.toLowerCase().endsWith(end)) ? "video" : "picture";

/** Whether it is sent in parts, and goes on where it was when the connection has been lost. */
export const isSentInParts = (file: Named): boolean => kindOf(file) === "video" || file.size >= WHOLE_MAX;

/** Why the API would refuse it, in words. `durationMs` is that of a video, where the browser can tell. */
export function refusalOf(file: Named, durationMs?: number): string | undefined {
  const isVideo = kindOf(file) === "video";
  const max = isVideo ? VIDEO_MAX : PICTURE_MAX;
  if (file.size === 0) return "The file is empty.";
  if (file.size > max) {
    return `${isVideo ? "Videos" : "Photographs"} may have up to ${size(max)}; this one has ${size(file.size)}.`;
  }
  if (durationMs !== undefined && durationMs > DURATION_MAX) {
    return `Videos may be up to ${DURATION_MAX / 60_000} minutes long; this one takes ${clock(durationMs)}.`;
  }
  return undefined;
}
