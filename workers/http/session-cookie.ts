/**
 * The name of the session's cookie. The prefix makes browsers reject the cookie unless this very host set it, over HTTPS and
 * for every path, so a page of another subdomain cannot plant one. (Browsers count http://localhost as HTTPS here.)
 */
export const SESSION_COOKIE = "__Host-session";

/** Tells without any lookup whether a request certainly comes from an anonymous viewer. */
export const isAnonymous = (headers: Headers): boolean =>
  !headers.has("authorization") && !(headers.get("cookie") ?? "").includes(SESSION_COOKIE);
