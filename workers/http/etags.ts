import { fingerprintOf } from "../../schema/fingerprint.ts";

/** The ETag of a response that consists of these parts. It is weak, since the bytes themselves are not compared. */
export const etagOf = (parts: readonly string[]): string => `W/"${fingerprintOf(parts)}"`;

/** Tells whether the client already has the version of `etag`, by weak comparison (RFC 9110, 13.1.2). */
export function isMatch(headers: Headers, etag: string): boolean {
  const known = headers.get("if-none-match");
  if (known === null) return false;
  const opaque = etag.replace(/^W\//, "");
  return known.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === opaque);
}
