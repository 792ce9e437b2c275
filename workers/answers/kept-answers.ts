/**
 * Answers that are kept in the data centre's cache, for when they cannot be made anew. What was answered to one person is
 * kept for that person; the addresses under which it is kept are no site's, so nobody can ask for them.
 */
import type { PersonId } from "../../schema/ids.ts";
import { Memory } from "../storage/memory.ts";
import type { Background } from "../../schema/background.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";

/** Longer than people wait for an outage to end, and no longer: one that nobody asks for may tell of what is gone since. */
const KEPT_FOR = 3600; // s
/** Keeping costs a copy of the answer, so the same one is not kept again and again. */
const KEPT_AT_MOST_EVERY = 30_000; // ms
const REMEMBERED = 10_000;
/** Longer than that of any page of ours. What is remembered by address is bounded by it. */
export const ADDRESS_MAX = 1000; // characters
const CACHE_ANSWERS_WITHIN = 300; // ms
const KEPT_AT = "x-kept-at";
const ABOUT = "x-about";

const lastKept = new Memory<string, true>(REMEMBERED);

export const ANYBODY = "anybody";
type Whose = PersonId | typeof ANYBODY;

/** Whose posts a request was answered with: what is kept of it must not outlast that they are for everybody. */
export const aboutWhom = new WeakMap<Request, PersonId>();

/** In the background, and not each time. `answer` gives a copy; `about`: whose posts it shows. */
export function keepAnswer(
  background: Background,
  whose: Whose,
  url: string,
  answer: () => Response,
  about: PersonId | undefined,
): void {
  const address = addressOf(whose, url);
  if (address.length > ADDRESS_MAX) return;
  const last = lastKept.get(address);
  if (last && Date.now() - last.at < KEPT_AT_MOST_EVERY) return;
  lastKept.set(address, true);
  background.waitUntil(keep(address, answer(), about));
}

/** When there is no such answer any more. In the background. */
export function forgetAnswer(background: Background, whose: Whose, url: string): void {
  const address = addressOf(whose, url);
  lastKept.delete(address);
  background.waitUntil(forget(address));
}

async function forget(address: string): Promise<void> {
  try {
    await within(STORE_ANSWERS_WITHIN, caches.default.delete(address), "the cache");
  } catch (error) {
    console.warn("kept answer not forgotten", { error: String(error) });
  }
}

async function keep(address: string, answer: Response, about: PersonId | undefined): Promise<void> {
  try {
    const headers = new Headers({ "cache-control": `max-age=${KEPT_FOR}`, [KEPT_AT]: String(Date.now()) });
    if (about !== undefined) headers.set(ABOUT, about);
    for (const name of ["content-type", "etag"]) {
      const value = answer.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    const kept = new Response(answer.body, { status: answer.status, headers });
    await within(STORE_ANSWERS_WITHIN, caches.default.put(address, kept), "the cache");
  } catch (error) {
    console.warn("answer not kept", { error: String(error) });
  }
}

/** `at`: when it was made, in ms since 1970. `about`: whose posts it shows, if they are one person's. */
type Kept = { response: Response; at: number; about: PersonId | undefined };

/** What the same question of the same person was answered last. */
export async function keptAnswer(whose: Whose, url: string): Promise<Kept | undefined> {
  try {
    const kept = await within(CACHE_ANSWERS_WITHIN, caches.default.match(addressOf(whose, url)), "the cache");
    if (!kept) return undefined;
    const { "content-type": type, etag, [KEPT_AT]: at, [ABOUT]: about } = Object.fromEntries(kept.headers);
    const headers = { ...(type !== undefined && { "content-type": type }), ...(etag !== undefined && { etag }) };
    return { response: new Response(kept.body, { headers }), at: Number(at), about: about as PersonId | undefined };
  } catch {
    return undefined; // A cache that is down has nothing.
  }
}

function addressOf(whose: Whose, url: string): string {
  const { pathname, search } = new URL(url);
  return `https://kept.invalid/${whose}${pathname}${search}`;
}
