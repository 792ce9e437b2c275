/**
 * Rejects requests that another site makes a browser send (CSRF). Browsers name the origin of a request in
 * `Sec-Fetch-Site`, older ones in `Origin`; a page cannot forge either. Another subdomain ("same-site") counts as
 * another site.
 */
import { Refusal } from "../../schema/api/refusals.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether a request only reads (RFC 9110, section 9.2.1). */
export const isSafe = ({ method }: { method: string }): boolean => SAFE_METHODS.has(method);

/** For requests signed in by a cookie: a request that may change something must provably come from our own pages. */
export function requireOwnSite(request: Request): void {
  if (!isSafe(request) && senderOf(request) !== "own") throw new Refusal("cross_site");
}

/**
 * For requests that set the cookie: otherwise another site could sign its visitor in to an account of its choice. A
 * client that is not a browser sends neither header and passes.
 */
export function refuseOtherSites(request: Request): void {
  if (senderOf(request) === "other") throw new Refusal("cross_site");
}

function senderOf(request: Request): "own" | "other" | "unknown" {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" ? "own" : "other";
  const origin = request.headers.get("origin");
  if (origin !== null) return origin === new URL(request.url).origin ? "own" : "other";
  return "unknown";
}
