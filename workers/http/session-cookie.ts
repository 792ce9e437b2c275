// The prefix makes browsers refuse the cookie unless this very host set it, over HTTPS and for every path: a page of
// another subdomain cannot plant one. (Browsers count http://localhost as HTTPS here.)
export const SESSION_COOKIE = "__Host-session";

/** Whether a request may be answered as anybody's. Must be told without a question to anybody. */
export const isAnonymous = (headers: Headers): boolean =>
  !headers.has("authorization") && !(headers.get("cookie") ?? "").includes(SESSION_COOKIE);
