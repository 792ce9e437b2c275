import type { Context } from "hono";
import { isSquare, type Rendition } from "../../../schema/api/media.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { isMadeAtInspection, usefulName, WIDEST_AT_INSPECTION } from "../../../schema/media/renditions.ts";
import { logWarning } from "../../../schema/log.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { hasSameEtag } from "../../http/etags.ts";
import type { App } from "../../http/routes.ts";
import { FORMAT_TYPES } from "../pictures/renditions.ts";
import { formatsFor } from "./accept.ts";
import { avifFrom, mayBeAvif } from "./avif.ts";
import type { Access } from "./access.ts";
import { headersFor, SUBSTITUTE_FOR } from "./headers.ts";
import { makeInBackground, makeRendition } from "./on-demand.ts";
import { storedRendition } from "./stored.ts";

/** Serves a picture in the best format that the client takes and that exists. */
export async function serveRendition(c: Context<App>, access: Access, id: MediaId, variant: Rendition) {
  const { format, body, bytes, etag, isSubstitute } = await foundOrSubstitute(c, access, id, variant);
  const headers = {
    ...headersFor(access, isSubstitute ? SUBSTITUTE_FOR : undefined),
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

/** Returns the rendition, or a smaller one for a moment if it has to be made and cannot be. */
async function foundOrSubstitute(c: Context<App>, access: Access, id: MediaId, variant: Rendition) {
  const useful = variant === "thumb" || isSquare(variant) ? variant : usefulName(variant, access);
  try {
    return { ...(await found(c, access, id, useful)), isSubstitute: false };
  } catch (error) {
    if (isMadeAtInspection(useful) || isSquare(useful)) throw error;
    logWarning("a smaller rendition served", { id, variant, error: String(error) });
    return { ...(await found(c, access, id, WIDEST_AT_INSPECTION)), isSubstitute: true };
  }
}

/** Finds or makes a rendition. An AVIF is made in the background, because another format is served meanwhile. */
async function found(c: Context<App>, access: Access, id: MediaId, variant: Rendition) {
  const [env, background] = [c.env, c.executionCtx];
  const { isVideo, width, height, until } = access;
  const size = isVideo ? undefined : { width, height };
  const hasAvif = mayBeAvif(variant, access) && avifFrom(env) !== Infinity;
  for (const format of formatsFor(c.req.header("accept"))) {
    if (format === "avif" && !hasAvif) continue;
    const wanted = { id, isVideo, size, variant, format, isPublic: until === undefined };
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
