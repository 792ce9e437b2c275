/** How much may be uploaded, and how. Bytes. */
import { isVideo, type MediaType } from "./media-types.ts";

const MB = 1024 * 1024;
export const PICTURE_MAX_BYTES = 25 * MB;
export const VIDEO_MAX_BYTES = 512 * MB;
/** A camera that stops then stops some frames late: workers/media/videos/limits.ts. */
export const VIDEO_MAX_SECONDS = 180;
export const maxBytesOf = (type: MediaType): number => (isVideo(type) ? VIDEO_MAX_BYTES : PICTURE_MAX_BYTES);

/** The least that R2 takes for any part but the last. An upload has one in memory, and an isolate many uploads. */
export const PART_BYTES = 5 * MB;
/** Of a chunk with a checksum: it is in memory as a whole before any of it counts. */
export const CHECKED_CHUNK_MAX_BYTES = PART_BYTES;
/** Of what a client sends to R2 itself: 32 addresses for the largest video. */
export const DIRECT_PART_BYTES = 16 * MB;
/** R2 numbers parts from 1 to 10,000. */
export const DIRECT_PARTS_MAX = Math.ceil(VIDEO_MAX_BYTES / DIRECT_PART_BYTES);

/** Of one person. */
export const UNFINISHED_UPLOADS_MAX = 20;

/** How long an upload that does not go on is kept. In ms. */
export const KEPT_WITHOUT_PROGRESS = 24 * 3_600_000;
/** How long a file is kept that nobody has published, or that was rejected. In ms. */
export const UNUSED_FOR = 24 * 3_600_000;
/**
 * How long a claim counts of which no post has come to D1: so long its file is not taken away. Also when a file is looked at
 * again that could not be settled. In ms.
 */
export const CLAIMED_FOR = 3_600_000;
/** How long an upload may take altogether: R2 gives up a multipart upload after seven days by itself. In ms. */
export const UPLOAD_LASTS = 6 * 24 * 3_600_000;
