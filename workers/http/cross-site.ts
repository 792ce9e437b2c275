/**
 * Against requests that another site makes a browser send. Browsers say where a request comes from in `Sec-Fetch-Site`,
 * older ones in `Origin`; a page cannot forge either. Another subdomain ("same-site") is another site to us.
 */
import { ApiError } from "../../schema/api/refusals.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** For requests that a cookie signs in: what would change something must be known to come from our own pages. */
export function requireOwnSite(request: Request): void {
  if (!SAFE_METHODS.has(request.method) && senderOf(request) !== "own") throw new ApiError("cross_site");
}

/**
 * For requests that set the cookie: another site could otherwise sign its visitor in to an account of its own choosing.
 * A client that is no browser sends neither header and is welcome.
 */
export function refuseOtherSites(request: Request): void {
  if (senderOf(request) === "other") throw new ApiError("cross_site");
}

function senderOf(request: Request): "own" | "other" | "unknown" {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" ? "own" : "other";
  const origin = request.headers.get("origin");
  if (origin !== null) return origin === new URL(request.url).origin ? "own" : "other";
  return "unknown";
}
