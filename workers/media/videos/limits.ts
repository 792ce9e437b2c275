/** What a video may be, and how much of a file is looked at to find out what it is. */

/** A camera that stops after VIDEO_MAX_SECONDS stops some frames late. */
export const VIDEO_SLACK_MS = 1000;

/** In pixels, upright. Of a frame, what H.264 knows of up to level 5.2: 36,864 macroblocks of 16 by 16. */
export const FRAME_SIDE_MAX = 4096;
export const FRAME_PIXELS_MAX = 36_864 * 256;

export const TRACKS_MAX = 16;
/** Of one track: three minutes at 240 frames a second, or of sound in packets of 4 ms. */
export const PACKETS_MAX = 50_000;

/** The index of a file (moov). That of three minutes with PACKETS_MAX in two tracks has 4 MB. */
export const INDEX_BYTES_MAX = 8 * 1024 * 1024;
/** The indexes of all fragments (moof) together, and how many boxes a file may be made of. */
export const FRAGMENT_BYTES_MAX = 8 * 1024 * 1024;
export const TOP_BOXES_MAX = 4096;
/** Boxes within the index; a camera writes about a hundred. */
export const BOXES_MAX = 10_000;
/** Of a WebM: all that comes before its first cluster. */
export const HEAD_BYTES_MAX = 2 * 1024 * 1024;

/** What is read of a file at most to describe it, and in how many reads. */
export const DESCRIBE_BYTES_MAX = 32 * 1024 * 1024;
export const DESCRIBE_READS_MAX = 8192;
/** The longest run of bytes that is ever asked for at once, and so in memory: a frame, or a cluster of a WebM. */
export const READ_BYTES_MAX = 16 * 1024 * 1024;
