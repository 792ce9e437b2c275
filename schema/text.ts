/** Text that people write: normalized to NFC, measured in graphemes as people count them, and limited in bytes. */
import { z } from "@hono/zod-openapi";

type Limits = { graphemes: number; bytes: number; atLeast?: 0 | 1 };

export const CAPTION: Limits = { graphemes: 2200, bytes: 16_384 };
export const COMMENT: Limits = { graphemes: 1000, bytes: 8192, atLeast: 1 };
export const NAME: Limits = { graphemes: 50, bytes: 400, atLeast: 1 };
export const BIO: Limits = { graphemes: 300, bytes: 2400 };
export const ALT: Limits = { graphemes: 1000, bytes: 8192 };

/**
 * The most UTF-16 units in one character. An emoji of a family has 15, and no script puts more than 30 marks on a
 * letter (https://unicode.org/reports/tr15/#Stream_Safe_Text_Format). Without a limit, a stack of marks covers its
 * neighbours.
 */
const CHARACTER_MAX = 64;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
// Control characters except tab and newline, and the characters that change the reading direction (U+202A to U+202E,
// U+2066 to U+2069): they make a text look like a different one.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/u;
// A blank name could neither be seen nor clicked. U+2800 is the Braille pattern without dots.
const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Returns a schema for text within these limits. It outputs the text trimmed and in NFC. */
export const text = ({ graphemes, bytes, atLeast = 0 }: Limits) =>
  z
    .string()
    // The cheap check comes first, so that nobody can make us segment a megabyte only to reject it.
    .refine((value) => value.length <= bytes, { error: `Use at most ${bytes} bytes`, abort: true })
    .refine((value) => value.isWellFormed(), { error: "Must be well-formed Unicode", abort: true })
    .transform((value) => value.normalize("NFC").replaceAll("\r\n", "\n"))
    // Before the trim, which would silently remove some of these.
    .refine((value) => !FORBIDDEN.test(value), {
      error: "Must not contain control or text direction characters",
      abort: true,
    })
    .transform((value) => value.trim())
    .refine((value) => new TextEncoder().encode(value).length <= bytes, {
      error: `Use at most ${bytes} bytes`,
      abort: true,
    })
    .refine((value) => atLeast === 0 || VISIBLE.test(value), { error: "Must not be empty", abort: true })
    .refine((value) => characters(value).length <= graphemes, {
      error: `Use at most ${graphemes} characters`,
      abort: true,
    })
    .refine((value) => characters(value).every(({ length }) => length <= CHARACTER_MAX), {
      error: "Too many combining marks on one character",
    })
    .openapi({ type: "string", minLength: atLeast, maxLength: graphemes });

// Characters that nobody sees, or that only seem to be a space. Emoji and some scripts join with invisible characters.
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\u2800]/u;
const JOINED = String.raw`[\p{scx=Arab}\p{scx=Beng}\p{scx=Deva}\p{scx=Gujr}\p{scx=Guru}\p{scx=Khmr}\p{scx=Knda}\p{scx=Mlym}\p{scx=Mong}\p{scx=Orya}\p{scx=Sinh}\p{scx=Taml}\p{scx=Telu}]`;
const JOINERS = new RegExp(
  [
    String.raw`(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]`,
    String.raw`(?<=[0-9#*])\ufe0f(?=\u20e3)`, // A digit on a key.
    String.raw`(?<=\u{1f3f4}[\u{e0020}-\u{e007e}]*)[\u{e0020}-\u{e007f}]`, // A flag of a region.
    String.raw`(?<=\p{Script=Han})[\u{e0100}-\u{e01ef}]`, // A variant of an ideograph, as in Japanese names.
    String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})`,
    String.raw`(?<=${JOINED})[\u200c\u200d](?=${JOINED})`,
  ].join("|"),
  "gu",
);

/** Returns a schema for the name of a person: text on one line, all of it visible. Wide spaces become plain ones. */
export const personName = (limits: Limits) =>
  text(limits)
    .refine((value) => !/[\t\n\u2028\u2029]/u.test(value), { error: "Use a single line", abort: true })
    .refine((value) => !INVISIBLE.test(value.replaceAll(JOINERS, "")), {
      error: "Must not contain invisible characters",
      abort: true,
    })
    .transform((value) => value.replaceAll(/\p{Zs}+/gu, " "))
    .openapi({ type: "string", minLength: limits.atLeast ?? 0, maxLength: limits.graphemes });

const characters = (value: string): string[] => Array.from(segmenter.segment(value), ({ segment }) => segment);

const encoder = new TextEncoder();
/** Limits the average size of a character, because one may have 200 bytes and a message carries many excerpts. */
const BYTES_OF_A_CHARACTER = 4;

/**
 * Returns the first `graphemes` characters, or fewer if they exceed an average of 4 bytes per requested character.
 * Appends an ellipsis if anything was cut off.
 */
export function excerpt(value: string, graphemes: number): string {
  let [count, bytes] = [0, 0];
  for (const { index, segment } of segmenter.segment(value)) {
    bytes += encoder.encode(segment).length;
    if (count === graphemes || bytes > graphemes * BYTES_OF_A_CHARACTER) return `${value.slice(0, index)}…`;
    count += 1;
  }
  return value;
}
