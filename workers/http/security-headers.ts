/**
 * Headers of every response of the API. A browser that is led to one shows nothing of it as a page, runs nothing in it,
 * and puts it into no page of another site. Subdomains are for the operator to include in HSTS, at their zone: others may
 * serve them over plain HTTP.
 */
export const SECURITY_HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=63072000",
  "x-content-type-options": "nosniff",
} as const;
