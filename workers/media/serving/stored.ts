/** Reads stored renditions, from the data centre's cache or else from the bucket. */
import type { Rendition } from "../../../schema/api/media.ts";
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import type { MediaId } from "../../../schema/ids.ts";
import type { Background } from "../../../schema/background.ts";
import { logWarning } from "../../../schema/log.ts";
import { type Format, renditionKey, renditionKeys } from "../files/objects.ts";

/** How long a data centre caches them, in s, even those of deleted files, which access.ts no longer lets anyone see. */
const KEPT_FOR = 3600;
const CACHE_ANSWERS_WITHIN = 300; // ms

/** `bytes` is the length. It is 0 where a format is not worth serving (on-demand.ts). */
export type Stored = { body: ReadableStream | null; bytes: number; etag: string };

/** Returns a stored rendition, or undefined if there is none. Costs one read of the bucket, unless the cache has it. */
export async function storedRendition(
  env: Env,
  background: Background,
  { id, variant, format }: { id: MediaId; variant: Rendition; format: Format },
): Promise<Stored | undefined> {
  const key = renditionKey(id, variant, format);
  const address = addressOf(key);
  const cached = await fromCache(address);
  if (cached) return cached;
  const object = await within(STORE_TIMEOUT, env.MEDIA.get(key), "R2");
  if (!object) return undefined;
  const { size: bytes, httpEtag: etag } = object;
  const headers = { "cache-control": `max-age=${KEPT_FOR}`, "content-length": String(bytes), etag };
  const answer = new Response(object.body, { headers });
  background.waitUntil(putInCache(address, answer.clone()));
  return { body: answer.body, bytes, etag };
}

/** Drops a file's renditions from this data centre's cache. Only those of an unpublished video's poster ever change. */
export async function dropCachedRenditions(id: MediaId): Promise<void> {
  await Promise.all(renditionKeys(id).map((key) => caches.default.delete(addressOf(key))));
}

/** A host that no site has, so that no request from outside can hit the entry. */
const addressOf = (key: string): string => `https://media.invalid/${key}`;

async function fromCache(address: string): Promise<Stored | undefined> {
  try {
    const kept = await within(CACHE_ANSWERS_WITHIN, caches.default.match(address), "the cache");
    const [bytes, etag] = [kept?.headers.get("content-length"), kept?.headers.get("etag")];
    return kept && bytes && etag ? { body: kept.body, bytes: Number(bytes), etag } : undefined;
  } catch {
    return undefined; // A cache that is down counts as empty.
  }
}

async function putInCache(address: string, answer: Response): Promise<void> {
  try {
    await caches.default.put(address, answer);
  } catch (error) {
    logWarning("rendition not kept", { error: String(error) });
  }
}
