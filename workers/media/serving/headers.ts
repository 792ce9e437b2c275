import type { Access } from "./access.ts";

/** The headers of every response, including problems. They disarm a file that a browser mistakes for a page. */
export const ALWAYS = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "referrer-policy": "no-referrer",
};

/**
 * Pages of other sites may show public files: developers who build on the API embed them, read them into a canvas or
 * fetch ranges. No cookie is read here, so an embedded file reveals nothing about its viewer. The bytes at a URL never
 * change, so a cache need not ask for them again; but nobody can take them back out of other people's caches, so those
 * keep them for a day, and a deleted picture is gone everywhere after that.
 */
const PUBLIC = {
  "cache-control": "public, max-age=86400, immutable",
  "cross-origin-resource-policy": "cross-origin",
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "Accept-Ranges, Content-Range, ETag",
};

/** How long a smaller rendition may be cached in place of one that could not be made, in s. */
export const SUBSTITUTE_FOR = 60;

/**
 * Returns the caching headers. Signed URLs work for this site and for programs, and are cached until they expire. `atMost`, in
 * s, is for a response whose bytes may change.
 */
export function headersFor({ until }: Pick<Access, "until">, atMost?: number): Record<string, string> {
  if (until === undefined)
    return atMost === undefined ? PUBLIC : { ...PUBLIC, "cache-control": `public, max-age=${atMost}` };
  const lasts = Math.max(0, Math.floor(until - Date.now() / 1000));
  return {
    "cache-control": `private, max-age=${Math.min(lasts, atMost ?? lasts)}`,
    "cross-origin-resource-policy": "same-origin",
  };
}
