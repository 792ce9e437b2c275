/** Keyset cursors: where the last page ended, opaque so that clients keep none of its meaning. */
import { type Id, isId } from "../../schema/ids.ts";
import { ApiError } from "../../schema/api/refusals.ts";

/** A cursor of N parts decodes to a tuple, so that a caller need not ask whether each part is there. */
type Parts = { 1: [string]; 2: [string, string]; 3: [string, string, string] };

/** The parts are short and ASCII (ids and numbers), so a cursor stays below the 200 characters that a query may have. */
export const encodeCursor = (parts: string[]): string =>
  new TextEncoder().encode(JSON.stringify(parts)).toBase64({ alphabet: "base64url", omitPadding: true });

/** Gives back `n` parts, or refuses. A cursor is not signed: it must grant nothing, only say where to go on. */
export function decodeCursor<N extends keyof Parts>(cursor: string, n: N): Parts[N] {
  const parts = parse(cursor);
  if (!Array.isArray(parts) || parts.length !== n || !parts.every((part) => typeof part === "string")) {
    throw new ApiError("invalid_cursor");
  }
  return parts as Parts[N];
}

/** A part that must be an id. */
export function cursorId<T extends Id>(part: string): T {
  if (!isId(part)) throw new ApiError("invalid_cursor");
  return part as T;
}

/** The id that a page's `cursor` goes on from; undefined for the first page. */
export const idOfCursor = <T extends Id>(cursor: string | undefined): T | undefined =>
  cursor === undefined ? undefined : cursorId<T>(decodeCursor(cursor, 1)[0]);

/** A page as lists answer it: `next` is left out on the last one. */
export const pageWithCursor = <T>(items: T[], next: string | undefined): { items: T[]; next?: string } => ({
  items,
  ...(next !== undefined && { next: encodeCursor([next]) }),
});

function parse(cursor: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(cursor, { alphabet: "base64url" })));
  } catch {
    throw new ApiError("invalid_cursor");
  }
}
