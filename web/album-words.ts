import type { ShownMedia } from "../schema/api/media.ts";
import { counted, listed } from "./words.ts";

/** What a post shows: "2 pictures and 1 video". */
export function inWords(media: Pick<ShownMedia, "video">[]): string {
  const videos = media.filter(({ video }) => video).length;
  const pictures = media.length - videos;
  return listed([
    ...(pictures > 0 ? [counted(pictures, "picture")] : []),
    ...(videos > 0 ? [counted(videos, "video")] : []),
  ]);
}
