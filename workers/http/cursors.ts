/** Keyset cursors: where the last page ended. They are opaque, so that clients do not depend on their content. */
import { textFromBase64url, textToBase64url } from "../../schema/base64url.ts";
import { type Id, isId } from "../../schema/ids.ts";
import { Refusal } from "../../schema/api/refusals.ts";

/** A cursor of N parts decodes to a tuple, so that callers need not check for missing parts. */
type Parts = { 1: [string]; 2: [string, string]; 3: [string, string, string] };

/**
 * Encodes a cursor. Parts are short and ASCII (ids, numbers), which keeps it below the 200 characters a query allows.
 */
export const encodeCursor = (parts: string[]): string => textToBase64url(JSON.stringify(parts));

/**
 * Returns the `n` parts, or throws `invalid_cursor`. Cursors are not signed, so they must grant nothing but a position.
 */
export function decodeCursor<N extends keyof Parts>(cursor: string, n: N): Parts[N] {
  const parts = parse(cursor);
  if (!Array.isArray(parts) || parts.length !== n || !parts.every((part) => typeof part === "string")) {
    throw new Refusal("invalid_cursor");
  }
  return parts as Parts[N];
}

/** Returns a part that must be an id, or throws `invalid_cursor`. */
export function cursorId<T extends Id>(part: string): T {
  if (!isId(part)) throw new Refusal("invalid_cursor");
  return part as T;
}

/** Returns the id after which the page of `cursor` begins; undefined for the first page. */
export const idOfCursor = <T extends Id>(cursor: string | undefined): T | undefined =>
  cursor === undefined ? undefined : cursorId<T>(decodeCursor(cursor, 1)[0]);

/** Returns a page of a list; the last page has no `next`. */
export const pageWithCursor = <T>(items: T[], next: string | undefined): { items: T[]; next?: string } => ({
  items,
  ...(next !== undefined && { next: encodeCursor([next]) }),
});

function parse(cursor: string): unknown {
  try {
    return JSON.parse(textFromBase64url(cursor));
  } catch {
    throw new Refusal("invalid_cursor");
  }
}
