/**
 * Public responses: a post, its comments, a person and their posts, which are the same for all anonymous viewers. Whole
 * responses are cached as bytes in the isolate's memory, then in the data centre's cache. For FRESH they are served as
 * they are; for a while longer they are still served, and rendered again in the background. While rendering fails, they
 * are served for as long as there is nothing better, marked as stale. Concurrent requests share a single flight.
 */
import { toBase64url } from "../../schema/base64url.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { CONSISTENCY_TOKEN } from "../storage/consistency.ts";
import { Flights } from "../storage/flights.ts";
import { Memory } from "../storage/memory.ts";
import { hasSameEtag } from "../http/etags.ts";
import { forgetKeptResponse, keepResponse, keptResponse, personShownBy, URL_LENGTH_MAX } from "./kept-responses.ts";
import { STALE } from "./reader-middleware.ts";
import { SECURITY_HEADERS } from "../http/security-headers.ts";
import { isAnonymous } from "../http/session-cookie.ts";

/**
 * The sum of this, of STALE_WHILE_REVALIDATE and of the second that counts may be old is the greatest age of a public
 * response, and so how long anonymous viewers may still see a deleted post.
 */
const FRESH = 2000; // ms
const STALE_WHILE_REVALIDATE = 2000; // ms
/** How long a failed rendering is not repeated, if there is an older response. */
const RETRY_AFTER = 1000; // ms
const RESPONSES_MAX = 2000;
const CHANGES_MAX = 10_000;
/** Larger responses are not cached. RESPONSES_MAX of this size take a quarter of the isolate's 128 MB. */
const RESPONSE_MAX_BYTES = 16_000;

const PUBLIC =
  /^https?:\/\/[^/]+\/v1\/(?:posts\/\w{13}(?:\/comments(?:\/\w{13}\/replies)?)?|people\/\w+(?:\/posts)?)(?:\?|$)/;

/**
 * `shared`: the headers while it is fresh, built once, because building them is the largest cost of a hot response.
 * `about`: the person whose posts it shows.
 */
type CachedResponse = {
  status: number;
  bytes: ArrayBuffer;
  headers: Record<string, string>;
  shared: Headers;
  about: PersonId | undefined;
};
type Handler = (request: Request, env: Env, context: ExecutionContext) => Response | Promise<Response>;

const responses = new Memory<string, CachedResponse>(RESPONSES_MAX);
/** When a post or person last changed here, so that a change need not search all responses for those that show it. */
const changed = new Memory<PostId | PersonId, true>(CHANGES_MAX);
const failures = new Memory<string, true>(RESPONSES_MAX);
const flights = new Flights<string, CachedResponse>();

/**
 * Serves a public response from memory or cache where possible, and otherwise calls `handler`. Costs nothing while the
 * response is in memory, else one cache lookup.
 */
export async function publicResponse(
  handler: Handler,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  if (!isPublic(request)) return handler(request, env, context);
  const { url } = request;
  const now = Date.now();
  const last = responses.get(url);
  const known = last && !isOutdated(url, last) ? last : undefined;
  const age = known ? now - known.at : Number.POSITIVE_INFINITY;
  if (known && age < FRESH) return respond(request, known.value, known.value.shared);

  const renew = () =>
    flights.read(
      context,
      [url],
      async () => new Map([[url, await render(handler, url, env, context, known !== undefined)]]),
    );
  if (known && age < FRESH + STALE_WHILE_REVALIDATE) {
    if (!flights.has(url)) context.waitUntil(renew());
    return respond(request, known.value, aged(known.value, age));
  }
  const failed = failures.get(url);
  const hasJustFailed = failed !== undefined && now - failed.at < RETRY_AFTER;
  const rendered = known && hasJustFailed ? undefined : (await renew()).get(url);
  if (rendered && rendered.status < 500) return respond(request, rendered, rendered.headers);

  failures.set(url, true);
  const stale = known ?? (await fromCache(url));
  if (stale && !isOutdated(url, stale))
    return respond(request, stale.value, { ...aged(stale.value, Date.now() - stale.at), "cache-status": STALE });
  return rendered ? respond(request, rendered, rendered.headers) : handler(request, env, context);
}

/** Outdates all responses that show a post, so that this isolate shows a change at once. */
export const forgetPublicResponses = (post: PostId): void => changed.set(post, true);

/** Outdates all responses that show posts of a person, who has become private or public. */
export const forgetPublicResponsesOf = (person: PersonId): void => changed.set(person, true);

/** Tells whether a response is older than a change, made in this isolate, to its post or its person. */
function isOutdated(url: string, { value: { about }, at }: { value: CachedResponse; at: number }): boolean {
  const [, post] = /\/posts\/(\w{13})/.exec(url) ?? [];
  const changes = [post, about].map((id) => (id === undefined ? undefined : changed.get(id as PostId | PersonId)));
  return changes.some((change) => change !== undefined && change.at >= at);
}

const isPublic = ({ method, url, headers }: Request): boolean =>
  method === "GET" &&
  url.length <= URL_LENGTH_MAX &&
  PUBLIC.test(url) &&
  isAnonymous(headers) &&
  !headers.has(CONSISTENCY_TOKEN);

/**
 * Renders a response and keeps it for outages. If this isolate has none yet, it first takes a fresh one of another
 * isolate from the cache.
 */
async function render(
  handler: Handler,
  url: string,
  env: Env,
  context: ExecutionContext,
  isKnown: boolean,
): Promise<CachedResponse> {
  const cached = isKnown ? undefined : await fromCache(url);
  if (cached && Date.now() - cached.at < FRESH && !isOutdated(url, cached)) {
    responses.set(url, cached.value, cached.at);
    return cached.value;
  }
  const begun = Date.now();
  const request = new Request(url);
  const response = await handler(request, env, context);
  const bytes = await response.arrayBuffer();
  const about = personShownBy.get(request);
  const rendered = await toCached(response, bytes, about);
  if (rendered.status === 200 && bytes.byteLength <= RESPONSE_MAX_BYTES) {
    responses.set(url, rendered, begun); // It may lack changes made since then.
    const isStale = response.headers.has("cache-status");
    if (!isStale) keepResponse(context, url, () => new Response(bytes, { headers: rendered.headers }), about);
  } else if (rendered.status === 404) {
    // An earlier response must not be served for something that is gone.
    responses.delete(url);
    forgetKeptResponse(context, url);
  }
  return rendered;
}

async function fromCache(url: string): Promise<{ value: CachedResponse; at: number } | undefined> {
  const kept = await keptResponse(url);
  if (!kept) return undefined;
  const { response, at, about } = kept;
  try {
    return { value: await toCached(response, await response.arrayBuffer(), about), at };
  } catch {
    return undefined; // A truncated body counts as a miss.
  }
}

async function toCached(response: Response, bytes: ArrayBuffer, about: PersonId | undefined): Promise<CachedResponse> {
  const headers = await headersOf(response, bytes);
  return { status: response.status, bytes, headers, shared: new Headers({ ...headers, ...FROM_MEMORY }), about };
}

async function headersOf(response: Response, bytes: ArrayBuffer): Promise<Record<string, string>> {
  const timing = response.headers.get("server-timing");
  const mark = response.headers.get("cache-status");
  const retryAfter = response.headers.get("retry-after");
  const common = {
    "content-type": response.headers.get("content-type") ?? "application/json",
    ...SECURITY_HEADERS,
    ...(mark !== null && { "cache-status": mark }),
    ...(retryAfter !== null && { "retry-after": retryAfter }),
  };
  if (response.status !== 200) return { ...common, "cache-control": "no-store" };
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  return {
    ...common,
    ...(timing !== null && { "server-timing": timing }),
    etag: `"${toBase64url(digest)}"`,
    // The client may cache it for as long as we do.
    "cache-control": `public, max-age=${FRESH / 1000}, stale-while-revalidate=${STALE_WHILE_REVALIDATE / 1000}, stale-if-error=86400`,
    vary: `Authorization, Cookie, ${CONSISTENCY_TOKEN}`,
  };
}

const FROM_MEMORY = { "server-timing": "memory" };

const aged = ({ headers }: CachedResponse, age: number): Record<string, string> => ({
  ...headers,
  ...FROM_MEMORY,
  age: String(Math.floor(age / 1000)),
});

function respond(
  request: Request,
  { status, bytes, headers: { etag } }: CachedResponse,
  headers: HeadersInit,
): Response {
  const isKnown = etag !== undefined && hasSameEtag(request.headers, etag);
  return isKnown ? new Response(null, { status: 304, headers }) : new Response(bytes, { status, headers });
}
