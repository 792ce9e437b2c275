/**
 * The limits of the API, repeated from schema/: importing them would bring the validation library along.
 * tests/product/browser.test.ts keeps the two equal.
 */
import { VIDEO_MAX_SECONDS } from "../schema/media/upload-limits.ts";

export const ALBUM_MAX = 10;
export const CAPTION_MAX = 2200;
export const COMMENT_MAX = 1000;
export const NAME_MAX = 50;
export const BIO_MAX = 300;
export const ALT_MAX = 1000;
/** Of a moderator, for a decision. */
export const REASON_MAX = 1000;
export const HANDLE_PATTERN = "[a-z0-9_]{3,30}";

export { PASSWORD_GOOD, PASSWORD_MAX, PASSWORD_MIN, passwordLength } from "../schema/passwords.ts";

/** The largest files, in bytes. */
export { PICTURE_MAX_BYTES as PICTURE_MAX, VIDEO_MAX_BYTES as VIDEO_MAX } from "../schema/media/upload-limits.ts";
/** The longest video, in ms. */
export const DURATION_MAX = VIDEO_MAX_SECONDS * 1000;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The number of characters as people count them (grapheme clusters), which is how the API counts. */
export function length(text: string): number {
  let count = 0;
  for (const _ of graphemes.segment(text.trim())) count += 1;
  return count;
}
