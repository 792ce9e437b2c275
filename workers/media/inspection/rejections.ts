/** Why a picture is refused after it was uploaded. The code is stored and stable; the text is for its owner. */
export const REJECTIONS = {
  corrupt: "The file is damaged: its header cannot be read, or says something else than its picture.",
  too_many_pixels: "The picture is too large: at most 50 megapixels, and 12,000 pixels a side.",
  too_many_frames: "The animation is too long: at most 2,000 frames.",
  too_many_scans: "The file is damaged, or built in a way that takes too long to decode: at most 100 scans.",
  too_many_segments: "The file is damaged, or built of too many parts. Saving it again in an image editor may help.",
  too_complex: "The file is damaged, or built in a way that takes too much to read.",
  unsupported: "The picture is stored in a rare way that is not supported: its height is not where it belongs.",
  undecodable: "The file is damaged or of a rare kind: its picture cannot be decoded.",
  // Of videos alone.
  no_video: "There is no video in the file.",
  unsupported_codec:
    "Browsers do not play this kind of video. It must be H.264, H.265, VP9 or AV1 with AAC, MP3, Opus or FLAC in an MP4 " +
    "or MOV file, or VP8, VP9 or AV1 with Opus or Vorbis in a WebM file.",
  too_long: "The video is too long: at most three minutes.",
  frame_too_large: "The video is too large: at most 4096 pixels a side, and 9.4 megapixels a frame.",
  heic_not_decoded: "This server cannot decode HEIC pictures, or not this one. Please save it as JPEG and upload that.",
  animated_avif: "This server cannot decode this animated AVIF. Please save a still, or upload it as a video.",
  inspection_failed: "The picture could not be processed, in several attempts. Please upload it again.",
} as const;

/**
 * Of these the fault may have been ours, or that of the decoder, which has one error for a damaged picture and for one
 * that it has no time, memory or codec for. Their originals are kept for a while, and may be inspected again.
 */
export const RETRYABLE: ReadonlySet<string> = new Set<Rejection>([
  "inspection_failed",
  "undecodable",
  "heic_not_decoded",
  "animated_avif",
]);

export type Rejection = keyof typeof REJECTIONS;

/** Thrown where the picture is at fault. Everything else that is thrown is a failure of ours, and is tried again. */
export class Rejected extends Error {
  readonly code: Rejection;

  constructor(code: Rejection, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}

/** The text of a code as it was stored. */
export function reasonOf(code: string): string {
  const details: Partial<Record<string, string>> = REJECTIONS;
  return details[code] ?? "The file was refused.";
}
