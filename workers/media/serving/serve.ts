/**
 * Serves the renditions, and nothing else: no path leads to an original. What is at an address never changes, so it may
 * be kept everywhere; the cache of the data centre stands before the bucket.
 */
import { type Context, Hono } from "hono";
import { Variant } from "../../../schema/api/media.ts";
import { MediaId } from "../../../schema/ids.ts";
import { ApiError } from "../../api/errors.ts";
import type { App } from "../../api/routes.ts";
import { renditionKey } from "../objects.ts";
import { RENDITION_TYPE } from "../pictures/renditions.ts";
import { mediaUrls } from "./urls.ts";

const HEADERS = {
  "content-type": RENDITION_TYPE,
  "cache-control": "public, max-age=31536000, immutable",
  // Should bytes ever be taken for a page, then for one that can do nothing.
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  // Pages of other sites show these pictures: those of the developers who build on the API. They are public, and no
  // cookie is read here, so embedding one tells a page nothing about who looks at it.
  "cross-origin-resource-policy": "cross-origin",
};

/** Of a picture whose post is gone: for how long a data centre may still have it, in s. */
const KEPT_AT_EDGE = 3600;

export const serveMedia = new Hono<App>().get("/media/:id/:variant", async (c) => {
  const id = MediaId.safeParse(c.req.param("id"));
  const variant = Variant.safeParse(c.req.param("variant"));
  if (!id.success || !variant.success) throw new ApiError("media_not_found");
  const rendition = await read(c, id.data, variant.data);
  const { headers } = rendition;
  if (!matches(c.req.header("if-none-match"), headers.get("etag"))) return rendition;
  await rendition.body?.cancel();
  return new Response(null, { status: 304, headers });
});

async function read(c: Context<App>, id: MediaId, variant: Variant): Promise<Response> {
  // Without the query, which anybody could vary to have the same picture read anew.
  const key = new URL(mediaUrls(id)[variant], c.req.url);
  const cached = await caches.default.match(key);
  if (cached) return new Response(cached.body, { headers: { ...Object.fromEntries(cached.headers), ...HEADERS } });
  const object = await c.env.MEDIA.get(renditionKey(id, variant));
  if (!object) throw new ApiError("media_not_found");
  const headers = { ...HEADERS, etag: object.httpEtag, "content-length": String(object.size) };
  const response = new Response(object.body, { headers });
  const copy = response.clone();
  const kept = { ...headers, "cache-control": `public, max-age=${KEPT_AT_EDGE}` };
  c.executionCtx.waitUntil(caches.default.put(key, new Response(copy.body, { headers: kept })));
  return response;
}

// A compressing proxy makes a weak tag of ours, and here that is as good.
const matches = (header: string | undefined, etag: string | null): boolean =>
  header?.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag) ?? false;
