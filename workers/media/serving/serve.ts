/**
 * Serves pictures and videos and nothing else: no path leads to an original. Access is decided before any byte of a
 * file is read, and by the URL alone, because no cookie is read here.
 */
import { Hono } from "hono";
import { isSquare, Variant } from "../../../schema/api/media.ts";
import { MediaId } from "../../../schema/ids.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { freshShards } from "../../http/fresh-shards.ts";
import type { App } from "../../http/routes.ts";
import { Reader } from "../../storage/reader.ts";
import { accessTo, accessToSquares } from "./access.ts";
import { ALWAYS } from "./headers.ts";
import { serveRendition } from "./rendition.ts";
import { MOVING, VIDEO } from "../../reads/media-urls.ts";
import { serveMoving } from "./moving.ts";
import { serveVideo } from "./video.ts";

export const serveMedia = new Hono<App>();

serveMedia.use("/media/*", freshShards, async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(ALWAYS)) c.res.headers.set(name, value);
  // A page of another origin that may use the API shows files by their signed URLs.
  if (c.env.ALLOWED_ORIGINS !== "") c.res.headers.set("cross-origin-resource-policy", "cross-origin");
  // The format of a rendition depends on `Accept`. A problem does not, but needs the header too, or a cache would serve
  // it for all formats.
  const hasOneFormat = [VIDEO, MOVING].some((what) => c.req.path.endsWith(`/${what}`));
  if (!hasOneFormat) c.res.headers.set("vary", "Accept");
});

serveMedia.get("/media/:id/:what", async (c) => {
  const id = MediaId.safeParse(c.req.param("id"));
  const what = c.req.param("what");
  const variant = Variant.safeParse(what);
  if (!id.success || !(variant.success || what === VIDEO || what === MOVING || isSquare(what)))
    throw new Refusal("media_not_found");
  const reader = new Reader(c.env, c.executionCtx);
  if (isSquare(what)) return serveRendition(c, await accessToSquares(reader, id.data), id.data, what);
  const access = await accessTo(reader, id.data, c.req.query());
  if (variant.success) return serveRendition(c, access, id.data, variant.data);
  if (what === MOVING) return serveMoving(c, access, id.data);
  return serveVideo(c, access, id.data);
});
