import type { Context } from "hono";
import type { Rendition } from "../../../schema/api/media.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { hasSameEtag } from "../../http/etags.ts";
import type { App } from "../../http/routes.ts";
import { FORMAT_TYPES } from "../pictures/renditions.ts";
import { formatsFor } from "./accept.ts";
import type { Access } from "./access.ts";
import { headersFor } from "./headers.ts";
import { makeInBackground, makeRendition } from "./on-demand.ts";
import { storedRendition } from "./stored.ts";

/** Serves a picture in the best format that the client takes and that exists. */
export async function serveRendition(c: Context<App>, access: Access, id: MediaId, variant: Rendition) {
  const { format, body, bytes, etag } = await found(c, access, id, variant);
  const headers = {
    ...headersFor(access),
    "content-type": FORMAT_TYPES[format],
    "content-length": String(bytes),
    etag,
  };
  const isKnown = hasSameEtag(c.req.raw.headers, etag);
  if (!isKnown && c.req.method === "GET") return new Response(body, { headers });
  await body?.cancel();
  const { "content-length": _, ...short } = headers;
  return isKnown ? new Response(null, { status: 304, headers: short }) : new Response(null, { headers });
}

/** Finds or makes a rendition. An AVIF is made in the background, because another format is served meanwhile. */
async function found(c: Context<App>, { isVideo, until }: Access, id: MediaId, variant: Rendition) {
  const [env, background] = [c.env, c.executionCtx];
  for (const format of formatsFor(c.req.header("accept"))) {
    const wanted = { id, isVideo, variant, format, isPublic: until === undefined };
    let stored = await storedRendition(env, background, wanted);
    if (!stored && format === "avif") makeInBackground(env, background, wanted);
    if (!stored && format !== "avif") {
      await makeRendition(env, background, wanted);
      stored = await storedRendition(env, background, wanted);
    }
    if (stored && stored.bytes > 0) return { ...stored, format };
  }
  throw new Refusal("media_not_found");
}
