import { createRoute, z } from "@hono/zod-openapi";
import { Media } from "../../../schema/api/media.ts";
import { MediaId } from "../../../schema/ids.ts";
import { ownMedia } from "../../media/own-media.ts";
import { presentMedia } from "../../media/present.ts";
import { dropCachedRenditions } from "../../media/serving/stored.ts";
import { POSTER_MAX_BYTES, setPoster } from "../../media/videos/poster.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { json, refusals, routes, requireViewer } from "../../http/routes.ts";

const putPoster = createRoute({
  method: "put",
  path: "/media/{id}/poster",
  summary: "Set the poster of a video",
  description:
    "The body is the picture itself: JPEG, PNG, WebP or AVIF, at most 5 MB, with its Content-Length. It can be set " +
    "once the video is uploaded, and replaced until the video is published. A video without a poster has no `urls`.",
  request: {
    params: z.object({ id: MediaId }),
    body: {
      required: true,
      content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
    },
  },
  responses: { 200: json(Media), ...refusals },
});

export const posters = routes().openapi(putPoster, async (c) => {
  const { person } = await requireViewer(c);
  const { id } = c.req.valid("param");
  await setPoster(c.env, person, id, await picture(c.req.raw));
  await dropCachedRenditions(id); // The owner may have viewed an earlier poster.
  const row = await ownMedia(c.env, person, id);
  return c.json(await presentMedia(c.var.reader, row), 200, { "cache-control": "no-store" });
});

/** Reads the body into memory. Its Content-Length is required, and bounds it. */
async function picture(request: Request): Promise<Uint8Array> {
  const length = request.headers.get("content-length") ?? "";
  if (!/^\d+$/.test(length)) throw new Refusal("length_required");
  if (Number(length) > POSTER_MAX_BYTES) throw new Refusal("too_large", "The poster is too large. Send at most 5 MB.");
  const bytes = new Uint8Array(await request.arrayBuffer().catch(broken));
  if (bytes.length === 0) throw new Refusal("invalid_request", "The body is empty. Send the picture as the body.");
  if (bytes.length !== Number(length))
    throw new Refusal("invalid_request", "The body is shorter or longer than its Content-Length. Send it again.");
  return bytes;
}

// This fails when the client's connection breaks, which is not our failure.
function broken(): never {
  throw new Refusal("invalid_request", "The upload broke off. Send it again.");
}
