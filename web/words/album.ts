import type { ShownMedia } from "../../schema/api/media.ts";
import { counted, listed } from "./counts.ts";

/** Counts the media of a post in words: "2 photos and 1 video". */
export function albumInWords(media: Pick<ShownMedia, "video">[]): string {
  const videos = media.filter(({ video }) => video).length;
  const photos = media.length - videos;
  return listed([...(photos > 0 ? [counted(photos, "photo")] : []), ...(videos > 0 ? [counted(videos, "video")] : [])]);
}
