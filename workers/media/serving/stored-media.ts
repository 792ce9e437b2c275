/**
 * Reads stored renditions of public files from the bucket, behind Workers Cache: in a deployment, wrangler.toml puts that
 * cache before this entrypoint, so a data centre that has not had a rendition yet gets it from a nearer tier, and many
 * requests for one become one read. No URL of the site leads here: each request was allowed by access.ts before, so what the
 * cache holds of a file that was deleted or made private is served to nobody.
 */
import { exports, WorkerEntrypoint } from "cloudflare:workers";
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";

/** How long caches keep a rendition, in s. Its bytes never change. */
export const KEPT_FOR = 86_400;

/** The prefix of their keys. */
const RENDITIONS = "renditions/";

export class StoredMedia extends WorkerEntrypoint<Env> {
  /** Returns the rendition whose key is the path. Costs one read of the bucket. */
  override async fetch({ url }: Request): Promise<Response> {
    const key = new URL(url).pathname.slice(1);
    const object = key.startsWith(RENDITIONS) && (await within(STORE_TIMEOUT, this.env.MEDIA.get(key), "R2"));
    if (!object) return new Response(null, { status: 404, headers: { "cache-control": "no-store" } });
    return keepable(object);
  }
}

/** Returns an object as a response that a cache keeps. */
export const keepable = ({ body, size, httpEtag }: R2ObjectBody): Response =>
  new Response(body, {
    headers: { "cache-control": `public, max-age=${KEPT_FOR}`, "content-length": String(size), etag: httpEtag },
  });

/** Whether the runtime has Workers Cache. The local one does not. */
export const hasTiers = (context: object): boolean => "cache" in context && context.cache !== undefined;

/** Reads the rendition at `key` through Workers Cache. Returns undefined if there is none. */
export async function readThroughTiers(key: string): Promise<Response | undefined> {
  const response = await within(STORE_TIMEOUT, exports.StoredMedia.fetch(`https://media.invalid/${key}`), "the cache");
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`the cache responded with ${response.status}`);
  return response;
}
