/** Why a picture is refused after it was uploaded. The code is stored and stable; the text is for its owner. */
export const REJECTIONS = {
  corrupt: "The file is damaged: its header cannot be read, or says something else than its picture.",
  too_many_pixels: "The picture is too large: at most 50 megapixels, and 12,000 pixels a side.",
  too_complex: "The file is damaged, or built in a way that takes too much to read.",
  undecodable: "The file is damaged or of a rare kind: its picture cannot be decoded.",
  // Of videos alone.
  no_video: "There is no video in the file.",
  unsupported_codec:
    "Browsers do not play this kind of video. It must be H.264, H.265, VP9 or AV1 with AAC, MP3, Opus or FLAC in an MP4 " +
    "or MOV file, or VP8, VP9 or AV1 with Opus or Vorbis in a WebM file.",
  too_long: "The video is too long: at most three minutes.",
  frame_too_large: "The video is too large: at most 4096 pixels a side, and 9.4 megapixels a frame.",
  inspection_failed: "The picture could not be processed, in several attempts. Please upload it again.",
} as const;

/** Of these the fault may have been ours: their originals are kept for a while, and may be inspected again. */
export const RETRYABLE: ReadonlySet<string> = new Set<Rejection>(["inspection_failed"]);

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
