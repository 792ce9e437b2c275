/**
 * Public responses that are kept in the data centre's cache, for other isolates and for when they cannot be rendered
 * again. The URLs under which responses are kept belong to no site, so no client can request them.
 */
import type { PersonId } from "../../schema/ids.ts";
import { Memory } from "../storage/memory.ts";
import type { Background } from "../../schema/background.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { logWarning } from "../../schema/log.ts";

/**
 * Longer than people wait for an outage to end, but no longer: an old response may show what has been deleted since.
 */
const KEPT_FOR = 3600; // s
/** Keeping a response costs a copy of it, so the same one is not kept at each request. */
const KEPT_AT_MOST_EVERY = 30_000; // ms
const REMEMBERED = 10_000;
/** Longer than the URL of any of our pages. It bounds the memory that keys by URL take. */
export const URL_LENGTH_MAX = 1000; // characters
const CACHE_ANSWERS_WITHIN = 300; // ms
const KEPT_AT = "x-kept-at";
const ABOUT = "x-about";

const lastKept = new Memory<string, true>(REMEMBERED);

/** The person whose posts a response shows. A change of theirs in this isolate outdates it. */
export const personShownBy = new WeakMap<Request, PersonId>();

/**
 * Keeps a response in the background, at most every KEPT_AT_MOST_EVERY. `copy` returns a copy of the response;
 * `about` is the person whose posts it shows.
 */
export function keepResponse(
  background: Background,
  url: string,
  copy: () => Response,
  about: PersonId | undefined,
): void {
  const key = keyOf(url);
  if (key.length > URL_LENGTH_MAX) return;
  const last = lastKept.get(key);
  if (last && Date.now() - last.at < KEPT_AT_MOST_EVERY) return;
  lastKept.set(key, true);
  background.waitUntil(keep(key, copy(), about));
}

/** Deletes a kept response in the background, because its subject is gone. */
export function forgetKeptResponse(background: Background, url: string): void {
  const key = keyOf(url);
  lastKept.delete(key);
  background.waitUntil(forget(key));
}

async function forget(key: string): Promise<void> {
  try {
    await within(STORE_TIMEOUT, caches.default.delete(key), "the cache");
  } catch (error) {
    logWarning("kept response not deleted", { error: String(error) });
  }
}

async function keep(key: string, response: Response, about: PersonId | undefined): Promise<void> {
  try {
    const headers = new Headers({ "cache-control": `max-age=${KEPT_FOR}`, [KEPT_AT]: String(Date.now()) });
    if (about !== undefined) headers.set(ABOUT, about);
    for (const name of ["content-type", "etag"]) {
      const value = response.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    const kept = new Response(response.body, { status: response.status, headers });
    await within(STORE_TIMEOUT, caches.default.put(key, kept), "the cache");
  } catch (error) {
    logWarning("response not kept", { error: String(error) });
  }
}

/** `at`: when it was kept, in ms since 1970. `about`: the person whose posts it shows, if they are one person's. */
type Kept = { response: Response; at: number; about: PersonId | undefined };

/** Returns the last kept response for this URL. */
export async function keptResponse(url: string): Promise<Kept | undefined> {
  try {
    const kept = await within(CACHE_ANSWERS_WITHIN, caches.default.match(keyOf(url)), "the cache");
    if (!kept) return undefined;
    const { "content-type": type, etag, [KEPT_AT]: at, [ABOUT]: about } = Object.fromEntries(kept.headers);
    const headers = { ...(type !== undefined && { "content-type": type }), ...(etag !== undefined && { etag }) };
    return { response: new Response(kept.body, { headers }), at: Number(at), about: about as PersonId | undefined };
  } catch {
    return undefined; // A failing cache counts as an empty one.
  }
}

function keyOf(url: string): string {
  const { pathname, search } = new URL(url);
  return `https://kept.invalid${pathname}${search}`;
}
