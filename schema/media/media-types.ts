/** The accepted file types. The first bytes alone determine the type of a file: file-signatures.ts. */
export type PictureType = "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/avif" | "image/heic";
export type VideoType = "video/mp4" | "video/quicktime" | "video/webm" | "video/matroska";
export type MediaType = PictureType | VideoType;

export const isVideo = (type: MediaType): type is VideoType => type.startsWith("video/");

/** The types of pictures that are served moving. */
export const MOVING_TYPES = ["image/gif", "image/webp", "image/png"] as const satisfies PictureType[];
export type MovingType = (typeof MOVING_TYPES)[number];

export const isMovingType = (type: string): type is MovingType => MOVING_TYPES.some((moving) => moving === type);
