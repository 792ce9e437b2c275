/**
 * Why an uploaded file is rejected. The code is stored and stable; the text is for the file's owner and says what to do
 * next. A file that a text calls damaged may also contradict itself, or be built to harm the decoder.
 */
export const REJECTIONS = {
  // The header cannot be read, or does not match the picture.
  corrupt:
    "The file is damaged and cannot be read. Export it again from the app it came from, then upload the new file.",
  too_many_pixels:
    "The picture is too large. Resize it to at most 50 megapixels and 12,000 pixels per side, then upload it again.",
  too_many_frames: "The animation is too long. Shorten it to at most 2,000 frames, or upload it as a video.",
  too_many_scans:
    "The file is damaged, or takes too long to decode (more than 100 scans). " +
    "Save it again in an image editor, then upload the new file.",
  too_many_segments:
    "The file is damaged, or consists of too many parts. Save it again in an image editor, then upload the new file.",
  too_complex:
    "The file is damaged, or too complex to read. Export it with standard settings, then upload the new file.",
  unsupported:
    "This unusual kind of JPEG is not supported: its header does not state the picture's height. " +
    "Save it again in an image editor, then upload the new file.",
  undecodable:
    "The file is damaged or unusual, so its picture cannot be decoded. Save it as JPEG or PNG and upload that.",
  // Videos only.
  no_video: "There is no video in this file. Please choose another file.",
  unsupported_codec:
    "Browsers cannot play the picture or the sound of this video. Export it as MP4 with H.264 video and AAC sound, then " +
    "upload that. To record it so, choose H.264 or H.265 and AAC in the settings of the camera or phone: not PCM (LPCM), " +
    "ProRes or Motion JPEG.",
  unsupported_chroma:
    "Most phones and browsers cannot play this video's colours (4:2:2, 4:4:4, or too many bits). Export it as H.264 with " +
    "4:2:0 and 8 bits, then upload that. To record it so, choose 4:2:0 and 8 bits in the settings of the camera.",
  unsupported_edits:
    "This video has cuts or changes of speed that are only noted in the file, and that browsers ignore. Open it in the " +
    "app it was edited in, export it as a new video, then upload that.",
  too_long: "The video is too long. Cut it to at most three minutes, then upload it again.",
  frame_too_large:
    "The video's resolution is too high. Export it with at most 4096 pixels per side and 9.4 megapixels per frame.",
  heic_not_decoded:
    "This server cannot decode this HEIC picture. Save it as JPEG and upload that. An iPhone takes photos as JPEG with " +
    "Settings > Camera > Formats > Most Compatible.",
  animated_avif: "This server cannot decode this animated AVIF. Please upload a still picture or a video instead.",
  inspection_failed: "We could not process this file, even after several attempts. Please upload it again.",
} as const;

/**
 * Rejections that may be the fault of this service or of the decoder, which reports one error for a damaged picture and
 * for one that it lacks the time, memory or codec for. Their originals are kept for a while, and may be inspected
 * again.
 */
export const RETRYABLE: ReadonlySet<string> = new Set<Rejection>([
  "inspection_failed",
  "undecodable",
  "heic_not_decoded",
  "animated_avif",
]);

export type Rejection = keyof typeof REJECTIONS;

/** Thrown when the file is at fault. Any other error is a failure of this service, and the inspection is retried. */
export class Rejected extends Error {
  readonly code: Rejection;

  constructor(code: Rejection, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}

/** Returns the text for a stored code, with a general text for codes that are not in the table. */
export function reasonOf(code: string): string {
  const details: Partial<Record<string, string>> = REJECTIONS;
  return details[code] ?? "This file was rejected. Please choose another file.";
}
