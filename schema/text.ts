/** Text that people write: kept as given in NFC, counted as people count (graphemes), and bounded in bytes. */
import { z } from "@hono/zod-openapi";

type Limits = { graphemes: number; bytes: number; atLeast?: 0 | 1 };

export const CAPTION: Limits = { graphemes: 2200, bytes: 16_384 };
export const COMMENT: Limits = { graphemes: 1000, bytes: 8192, atLeast: 1 };
export const NAME: Limits = { graphemes: 50, bytes: 400, atLeast: 1 };
export const BIO: Limits = { graphemes: 300, bytes: 2400 };
export const ALT: Limits = { graphemes: 1000, bytes: 8192 };

/**
 * The most UTF-16 units of one character. A family of emoji has 15, and no script puts more than 30 marks on a letter
 * (https://unicode.org/reports/tr15/#Stream_Safe_Text_Format); without a bound a tower of marks covers its neighbours.
 */
const CHARACTER_MAX = 64;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
// Control characters but tab and newline, and the characters that turn the reading direction of what follows
// (U+202A to U+202E, U+2066 to U+2069): they make a text look like another one.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/u;
// A blank name could neither be seen nor clicked. U+2800 is a pattern of Braille without dots.
const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** A schema for text within `limits`; gives it back trimmed and in NFC. */
export const text = ({ graphemes, bytes, atLeast = 0 }: Limits) =>
  z
    .string()
    // The cheap bound comes first: segmenting a megabyte to refuse it would be the attacker's work done for them.
    .refine((value) => value.length <= bytes, { error: `at most ${bytes} bytes`, abort: true })
    .refine((value) => value.isWellFormed(), { error: "not well-formed Unicode", abort: true })
    .transform((value) => value.normalize("NFC").replaceAll("\r\n", "\n"))
    // Before the trim, which would take some of these away unsaid.
    .refine((value) => !FORBIDDEN.test(value), { error: "control or direction-changing characters", abort: true })
    .transform((value) => value.trim())
    .refine((value) => new TextEncoder().encode(value).length <= bytes, {
      error: `at most ${bytes} bytes`,
      abort: true,
    })
    .refine((value) => atLeast === 0 || VISIBLE.test(value), { error: "must not be empty", abort: true })
    .refine((value) => characters(value).length <= graphemes, { error: `at most ${graphemes} characters`, abort: true })
    .refine((value) => characters(value).every(({ length }) => length <= CHARACTER_MAX), {
      error: "too many marks on one character",
    })
    .openapi({ type: "string", minLength: atLeast, maxLength: graphemes });

const characters = (value: string): string[] => Array.from(segmenter.segment(value), ({ segment }) => segment);

const encoder = new TextEncoder();
/** A character may have 200 bytes, and excerpts travel many in a message. */
const BYTES_OF_A_CHARACTER = 4;

/** The first `graphemes` characters, or as many as have 4 bytes each of that; with an ellipsis when something was left out. */
export function excerpt(value: string, graphemes: number): string {
  let [count, bytes] = [0, 0];
  for (const { index, segment } of segmenter.segment(value)) {
    bytes += encoder.encode(segment).length;
    if (count === graphemes || bytes > graphemes * BYTES_OF_A_CHARACTER) return `${value.slice(0, index)}…`;
    count += 1;
  }
  return value;
}
