import type { MediaType } from "../../../schema/media/media-types.ts";

/** As what the copy of a video is served. A QuickTime file becomes an MP4. */
export const servedType = (type: MediaType): "video/mp4" | "video/webm" =>
  type === "video/webm" ? "video/webm" : "video/mp4";
