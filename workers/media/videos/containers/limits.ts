/** The limits of a video, and of how much of a file is read to describe it. */

/** A camera that is set to stop after VIDEO_MAX_SECONDS stops some frames late. */
export const VIDEO_SLACK_MS = 1000;

/** In pixels, upright. The area is the maximum of H.264 up to level 5.2: 36,864 macroblocks of 16 by 16. */
export const FRAME_SIDE_MAX = 4096;
export const FRAME_PIXELS_MAX = 36_864 * 256;

export const TRACKS_MAX = 16;
/** Per track: three minutes at 240 frames per second, or of audio in packets of 4 ms. */
export const PACKETS_MAX = 50_000;

/**
 * The parts of one packet: units of H.264 and H.265, of which a picture has up to 600 slices, or of AV1, with up to 4,096
 * tiles. Without a limit, 16 MB of parts of 2 bytes would take a gigabyte of memory.
 */
export const UNITS_MAX = 8192;
/**
 * The demuxer adds up the sizes of a chunk for each packet in it: this many sizes for a track. A chunk may have 20,000
 * packets, which is six minutes of video at 60 frames a second.
 */
export const SIZES_ADDED_MAX = 400_000_000;

/** The index of a file (moov). Three minutes with PACKETS_MAX in two tracks take 4 MB. */
export const INDEX_BYTES_MAX = 8 * 1024 * 1024;
/** The indexes of all fragments (moof) together, and the number of top-level boxes. */
export const FRAGMENT_BYTES_MAX = 8 * 1024 * 1024;
export const TOP_BOXES_MAX = 4096;
/** Boxes within the index; a camera writes about a hundred. */
export const BOXES_MAX = 10_000;
/** Edits of a track, and descriptions of its codecs; cameras write one or two. A description may hold a colour profile. */
export const EDITS_MAX = 64;
export const DESCRIPTIONS_MAX = 64;
export const DESCRIPTION_BYTES_MAX = 1024 * 1024;
/** Boxes directly in the index of a fragment, mostly one for each track. */
export const FRAGMENT_BOXES_MAX = 64;
/** Places where packets lie, of all tracks: a packet each, for two tracks and as much of others. */
export const RANGES_MAX = 4 * PACKETS_MAX;

/** The head of a WebM: its elements, and the bytes of its header, its info and its tracks. */
export const HEAD_ELEMENTS_MAX = 256;
export const EBML_BYTES_MAX = 1024;
export const INFO_BYTES_MAX = 64 * 1024;
export const TRACKS_BYTES_MAX = 1024 * 1024;
/** Elements of its clusters: a packet takes one, sometimes two, and a cluster a few more. */
export const CLUSTER_ELEMENTS_MAX = 4 * PACKETS_MAX;
/** Everything before the first cluster of a WebM. */
export const HEAD_BYTES_MAX = 2 * 1024 * 1024;

/** The most that is read of a file to describe it, and the most reads. */
export const DESCRIBE_BYTES_MAX = 32 * 1024 * 1024;
export const DESCRIBE_READS_MAX = 8192;
/**
 * The most that is read of a file to copy it, in its own size and beyond. Packets that lie in the order of their times are
 * read once; each packet somewhere else would cost a block of 1 MB.
 */
export const COPY_SIZES_MAX = 3;
export const COPY_BYTES_MORE = 32 * 1024 * 1024;
export const COPY_READS_MORE = 2 * DESCRIBE_READS_MAX;
/** The longest single read, which is held in memory: a frame, or a cluster of a WebM. */
export const READ_BYTES_MAX = 16 * 1024 * 1024;
