/**
 * Answers that are kept in the data centre's cache, for when they cannot be made anew. What was answered to one person is
 * kept for that person; the addresses under which it is kept are no site's, so nobody can ask for them.
 */
import type { PersonId } from "../../schema/ids.ts";
import { Memory } from "../reads/memory.ts";
import type { Background } from "../reads/tiers.ts";
import { within } from "../../schema/deadline.ts";

const KEPT_FOR = 86_400; // s
/** Keeping costs a copy of the answer, so the same one is not kept again and again. */
const KEPT_AT_MOST_EVERY = 30_000; // ms
const REMEMBERED = 10_000;
const CACHE_ANSWERS_WITHIN = 300; // ms
const KEPT_AT = "x-kept-at";

const lastKept = new Memory<string, true>(REMEMBERED);

export const ANYBODY = "anybody";
type Whose = PersonId | typeof ANYBODY;

/** In the background, and not each time. `answer` gives a copy. */
export function keepAnswer(background: Background, whose: Whose, url: string, answer: () => Response): void {
  const address = addressOf(whose, url);
  const last = lastKept.get(address);
  if (last && Date.now() - last.at < KEPT_AT_MOST_EVERY) return;
  lastKept.set(address, true);
  background.waitUntil(keep(address, answer()));
}

async function keep(address: string, answer: Response): Promise<void> {
  try {
    const headers = new Headers({ "cache-control": `max-age=${KEPT_FOR}`, [KEPT_AT]: String(Date.now()) });
    for (const name of ["content-type", "etag"]) {
      const value = answer.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    await caches.default.put(address, new Response(answer.body, { status: answer.status, headers }));
  } catch (error) {
    console.warn("answer not kept", { error: String(error) });
  }
}

/** What the same question of the same person was answered last. `age` in seconds. */
export async function keptAnswer(whose: Whose, url: string): Promise<{ response: Response; age: number } | undefined> {
  try {
    const kept = await within(CACHE_ANSWERS_WITHIN, caches.default.match(addressOf(whose, url)), "the cache");
    if (!kept) return undefined;
    const { "content-type": type, etag, [KEPT_AT]: at } = Object.fromEntries(kept.headers);
    const headers = { ...(type !== undefined && { "content-type": type }), ...(etag !== undefined && { etag }) };
    return { response: new Response(kept.body, { headers }), age: Math.round((Date.now() - Number(at)) / 1000) };
  } catch {
    return undefined; // A cache that is down has nothing.
  }
}

function addressOf(whose: Whose, url: string): string {
  const { pathname, search } = new URL(url);
  return `https://kept.invalid/${whose}${pathname}${search}`;
}
