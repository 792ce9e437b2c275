/** The accepted file types. The first bytes alone determine the type of a file: file-signatures.ts. */
export type PictureType = "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/avif" | "image/heic";
export type VideoType = "video/mp4" | "video/quicktime" | "video/webm" | "video/matroska";
export type MediaType = PictureType | VideoType;

export const isVideo = (type: MediaType): type is VideoType => type.startsWith("video/");
