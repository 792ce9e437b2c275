import type { Context } from "hono";
import { z } from "zod";
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { MOVING_TYPES } from "../../../schema/media/media-types.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { hasSameEtag } from "../../http/etags.ts";
import type { App } from "../../http/routes.ts";
import { movingKey } from "../files/objects.ts";
import type { Access } from "./access.ts";
import { headersFor } from "./headers.ts";

/** The only types that a moving picture is served as, whatever its object says. */
const ServedType = z.enum(MOVING_TYPES);

/**
 * Serves a moving picture whole, streamed from the bucket. Costs one read of it. It is not put into the data centre's cache:
 * a copy for the cache would wait in memory for a slow client.
 */
export async function serveMoving(c: Context<App>, access: Access, id: MediaId): Promise<Response> {
  const isGet = c.req.method === "GET";
  const key = movingKey(id);
  const found = await within<R2Object | R2ObjectBody | null>(
    STORE_TIMEOUT,
    isGet ? c.env.MEDIA.get(key) : c.env.MEDIA.head(key),
    "R2",
  );
  if (!found) throw new Refusal("media_not_found");
  const body = "body" in found ? found.body : null;
  const etag = found.httpEtag;
  const headers = {
    ...headersFor(access),
    "content-type": ServedType.parse(found.httpMetadata?.contentType),
    etag,
  };
  if (hasSameEtag(c.req.raw.headers, etag)) {
    await body?.cancel();
    return new Response(null, { status: 304, headers });
  }
  return new Response(body, { headers: { ...headers, "content-length": String(found.size) } });
}
