/** Reads stored renditions: from the data centre's cache, or else from Workers Cache (stored-media.ts) or the bucket. */
import type { Rendition } from "../../../schema/api/media.ts";
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import type { MediaId } from "../../../schema/ids.ts";
import type { Background } from "../../../schema/background.ts";
import { logWarning } from "../../../schema/log.ts";
import { type Format, renditionKey, renditionKeys } from "../files/objects.ts";
import { hasTiers, keepable, readThroughTiers } from "./stored-media.ts";

const CACHE_ANSWERS_WITHIN = 300; // ms

/** `bytes` is the length. It is 0 where a format is not worth serving (on-demand.ts). */
export type Stored = { body: ReadableStream | null; bytes: number; etag: string };

/**
 * Returns a stored rendition, or undefined if there is none. Costs one read of the bucket, unless a cache has it. Only what
 * is public goes into Workers Cache, which keeps it in other places too.
 */
export async function storedRendition(
  env: Env,
  background: Background,
  { id, variant, format, isPublic }: { id: MediaId; variant: Rendition; format: Format; isPublic: boolean },
): Promise<Stored | undefined> {
  const key = renditionKey(id, variant, format);
  const address = addressOf(key);
  const cached = await fromCache(address);
  if (cached) return cached;
  const found = isPublic && hasTiers(background) ? await readThroughTiers(key) : await fromBucket(env, key);
  if (!found) return undefined;
  background.waitUntil(putInCache(address, found.clone()));
  return storedIn(found);
}

async function fromBucket(env: Env, key: string): Promise<Response | undefined> {
  const object = await within(STORE_TIMEOUT, env.MEDIA.get(key), "R2");
  return object ? keepable(object) : undefined;
}

function storedIn({ body, headers }: Response): Stored | undefined {
  const [bytes, etag] = [headers.get("content-length"), headers.get("etag")];
  return bytes && etag ? { body, bytes: Number(bytes), etag } : undefined;
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
    return kept && storedIn(kept);
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
