/**
 * Lets web apps of other origins use the API: those that ALLOWED_ORIGINS lists, and only with a bearer token. Their requests are
 * handled without cookies and without what names their page, like those of a program, so no session of a visitor of such a page
 * is ever used, and none is begun in a cookie.
 */

/** Headers that such an app may send, besides those that need no permission. */
const TAKEN = [
  "Authorization",
  "Content-Type",
  "Consistency-Token",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "If-Range",
  "Range",
  "Tus-Resumable",
  "Upload-Checksum",
  "Upload-Length",
  "Upload-Metadata",
  "Upload-Offset",
].join(", ");
/** Headers of responses that such an app may read. */
const SHOWN = [
  "Cache-Status",
  "Consistency-Token",
  "Content-Range",
  "ETag",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "Server-Timing",
  "Tus-Checksum-Algorithm",
  "Tus-Extension",
  "Tus-Max-Size",
  "Tus-Resumable",
  "Tus-Version",
  "Upload-Expires",
  "Upload-Length",
  "Upload-Offset",
].join(", ");
const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** How long browsers remember a preflight, in s. Chrome remembers none for longer. */
const PREFLIGHT_LASTS = "7200";

/** What names the page that a request comes from, and whose visitor it is. */
const OF_BROWSERS = ["cookie", "origin", "sec-fetch-site"];

type Respond = (request: Request) => Promise<Response>;

/** Responds to a request that may come from a page of another origin. Costs nothing unless that origin is allowed. */
export async function forAnyOrigin(
  request: Request,
  { ALLOWED_ORIGINS }: Pick<Env, "ALLOWED_ORIGINS">,
  respond: Respond,
): Promise<Response> {
  const origin = request.headers.get("origin");
  if (origin === null || !allowedOrigins(ALLOWED_ORIGINS).has(origin)) return respond(request);
  if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) {
    return new Response(null, {
      status: 204,
      headers: {
        "access-control-allow-origin": origin,
        vary: "Origin",
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": TAKEN,
        "access-control-max-age": PREFLIGHT_LASTS,
      },
    });
  }
  const headers = new Headers(request.headers);
  for (const name of OF_BROWSERS) headers.delete(name);
  const own = new Request(request, { headers });
  appOrigins.set(own, origin);
  const response = await respond(own);
  if (response.webSocket) return response; // Setting headers copies the response, and a copy has no WebSocket.
  const shown = new Response(response.body, response);
  shown.headers.set("access-control-allow-origin", origin);
  shown.headers.append("vary", "Origin");
  shown.headers.set("access-control-expose-headers", SHOWN);
  shown.headers.set("cross-origin-resource-policy", "cross-origin");
  shown.headers.delete("set-cookie");
  return shown;
}

const appOrigins = new WeakMap<Request, string>();

/** Returns the other origin that a request comes from; undefined for the deployment's own pages and for programs. */
export const appOriginOf = (request: Request): string | undefined => appOrigins.get(request);

let known: { text: string; origins: ReadonlySet<string> } = { text: "", origins: new Set() };

/** Returns the origins that a setting lists. Another entry than an exact origin, such as one with a path or "*", counts as none. */
export function allowedOrigins(text: string): ReadonlySet<string> {
  if (known.text !== text) {
    const listed = text.split(/\s+/).filter((entry) => URL.canParse(entry) && new URL(entry).origin === entry);
    known = { text, origins: new Set(listed) };
  }
  return known.origins;
}
