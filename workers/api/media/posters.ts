import { createRoute, z } from "@hono/zod-openapi";
import { Media } from "../../../schema/api/media.ts";
import { MediaId } from "../../../schema/ids.ts";
import { ownMedia } from "../../media/own-media.ts";
import { presentMedia } from "../../media/present.ts";
import { forgetStored } from "../../media/serving/stored.ts";
import { POSTER_MAX_BYTES, setPoster } from "../../media/videos/poster.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { json, refusals, routes, signedIn } from "../../http/routes.ts";

const putPoster = createRoute({
  method: "put",
  path: "/media/{id}/poster",
  summary: "Set the picture that stands for a video",
  description:
    "The body is the picture itself: JPEG, PNG, WebP or AVIF, at most 5 MB, with its Content-Length. It may be sent as " +
    "soon as the video is uploaded, and again until that is published. Without one a video has no `urls`.",
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
  const { person } = signedIn(c);
  const { id } = c.req.valid("param");
  await setPoster(c.env, person, id, await picture(c.req.raw));
  await forgetStored(id); // Its owner may have looked at an earlier one.
  const row = await ownMedia(c.env, person, id);
  return c.json(await presentMedia(c.env, row), 200, { "cache-control": "no-store" });
});

/** The body, which is small enough to be in memory once its length has been told. */
async function picture(request: Request): Promise<Uint8Array> {
  const length = request.headers.get("content-length") ?? "";
  if (!/^\d+$/.test(length)) throw new ApiError("length_required");
  if (Number(length) > POSTER_MAX_BYTES) throw new ApiError("too_large", "At most 5 MB");
  const bytes = new Uint8Array(await request.arrayBuffer().catch(broken));
  if (bytes.length === 0) throw new ApiError("invalid_request", "The body is empty");
  if (bytes.length !== Number(length)) throw new ApiError("invalid_request", "The body is not as long as it says");
  return bytes;
}

// What fails here is the sender's connection, not something of ours.
function broken(): never {
  throw new ApiError("invalid_request", "The body ended before its time");
}
