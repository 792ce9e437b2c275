/** Limits of uploads. Sizes are in bytes. */
import { isVideo, type MediaType } from "./media-types.ts";

const MB = 1024 * 1024;
export const PICTURE_MAX_BYTES = 25 * MB;
export const VIDEO_MAX_BYTES = 512 * MB;
/** Cameras set to this stop late, so inspection allows a second more: workers/media/videos/containers/limits.ts. */
export const VIDEO_MAX_SECONDS = 180;
export const maxBytesOf = (type: MediaType): number => (isVideo(type) ? VIDEO_MAX_BYTES : PICTURE_MAX_BYTES);

/** R2's minimum for every part but the last. An upload keeps one in memory, and an isolate has many uploads. */
export const PART_BYTES = 5 * MB;
/** The largest chunk with a checksum: all of it is in memory before any of it counts. */
export const CHECKED_CHUNK_MAX_BYTES = PART_BYTES;
/** Size of the parts that a client sends straight to R2: 32 URLs for the largest video. */
export const DIRECT_PART_BYTES = 16 * MB;
/** The most parts of a direct upload. R2 allows 10,000. */
export const DIRECT_PARTS_MAX = Math.ceil(VIDEO_MAX_BYTES / DIRECT_PART_BYTES);

/** The most unfinished uploads of one person. */
export const UNFINISHED_UPLOADS_MAX = 20;

/** How long an upload without progress is kept, in ms. */
export const STALLED_KEPT_FOR = 24 * 3_600_000;
/** How long an unpublished or rejected file is kept, in ms. */
export const UNPUBLISHED_KEPT_FOR = 24 * 3_600_000;
/**
 * How long a claim protects its file while no post has arrived in D1, in ms. Also the delay before an undecided file is
 * examined again.
 */
export const MEDIA_CLAIM_LASTS = 3_600_000;
/** How long an upload may take in total, in ms. R2 itself aborts a multipart upload after seven days. */
export const UPLOAD_LASTS = 6 * 24 * 3_600_000;
