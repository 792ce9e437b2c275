import type { MediaType } from "../../../schema/media/media-types.ts";

/** Returns the type that the copy of a video is served as. A QuickTime file becomes an MP4, a Matroska file a WebM. */
export const servedType = (type: MediaType): "video/mp4" | "video/webm" =>
  type === "video/webm" || type === "video/matroska" ? "video/webm" : "video/mp4";
