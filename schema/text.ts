/** Text that people write: kept as given in NFC, counted as people count (graphemes), and bounded in bytes. */
import { z } from "@hono/zod-openapi";

type Limits = { graphemes: number; bytes: number; atLeast?: number };

export const CAPTION: Limits = { graphemes: 2200, bytes: 16_384 };
export const COMMENT: Limits = { graphemes: 1000, bytes: 8192, atLeast: 1 };
export const NAME: Limits = { graphemes: 50, bytes: 400, atLeast: 1 };
export const BIO: Limits = { graphemes: 300, bytes: 2400 };
export const ALT: Limits = { graphemes: 1000, bytes: 8192 };

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
// Control characters but tab and newline, and the characters that turn the reading direction of what follows
// (U+202A to U+202E, U+2066 to U+2069): they make a text look like another one.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/u;

/** A schema for text within `limits`; gives it back trimmed and in NFC. */
export const text = ({ graphemes, bytes, atLeast = 0 }: Limits) =>
  z
    .string()
    // The cheap bound comes first: segmenting a megabyte to refuse it would be the attacker's work done for them.
    .refine((value) => value.length <= bytes, { error: `at most ${bytes} bytes`, abort: true })
    .refine((value) => value.isWellFormed(), { error: "not well-formed Unicode", abort: true })
    .transform((value) => value.normalize("NFC").replaceAll("\r\n", "\n").trim())
    .refine((value) => !FORBIDDEN.test(value), { error: "control or direction-changing characters", abort: true })
    .refine((value) => new TextEncoder().encode(value).length <= bytes, {
      error: `at most ${bytes} bytes`,
      abort: true,
    })
    .refine((value) => length(value) <= graphemes, { error: `at most ${graphemes} characters` })
    .refine((value) => length(value) >= atLeast, { error: "must not be empty" })
    .openapi({ type: "string", minLength: atLeast, maxLength: graphemes });

function length(value: string): number {
  let count = 0;
  for (const _ of segmenter.segment(value)) count += 1;
  return count;
}

/** The first `graphemes` characters, with an ellipsis when something was left out. */
export function excerpt(value: string, graphemes: number): string {
  let count = 0;
  for (const { index } of segmenter.segment(value)) {
    if (count === graphemes) return `${value.slice(0, index)}…`;
    count += 1;
  }
  return value;
}
