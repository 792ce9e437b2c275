import type { Access } from "./access.ts";

/** Of every answer, refusals as well. Should bytes ever be taken for a page, then for one that can do nothing. */
export const ALWAYS = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "referrer-policy": "no-referrer",
};

/**
 * Pages of other sites show what is public: those of the developers who build on the API, who may also read it into a canvas
 * or by ranges. No cookie is read here, so embedding it tells a page nothing about who looks at it. What is at an address
 * never changes, so it may be kept everywhere.
 */
const PUBLIC = {
  "cache-control": "public, max-age=31536000, immutable",
  "cross-origin-resource-policy": "cross-origin",
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "Accept-Ranges, Content-Range, ETag",
};

/** What is served by a signed address is for our own pages and for programs; browsers keep it as long as the address lasts. */
export const headersFor = ({ until }: Pick<Access, "until">): Record<string, string> =>
  until === undefined
    ? PUBLIC
    : {
        "cache-control": `private, max-age=${Math.max(0, Math.floor(until - Date.now() / 1000))}`,
        "cross-origin-resource-policy": "same-origin",
      };
