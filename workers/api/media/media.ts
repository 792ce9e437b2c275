import { createRoute, z } from "@hono/zod-openapi";
import { and, eq } from "drizzle-orm";
import { EditMedia, Media } from "../../../schema/api/media.ts";
import { MediaId } from "../../../schema/ids.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { media } from "../../../schema/tables/posts.ts";
import { deleteUpload } from "../../media/collect.ts";
import { inspectAgain } from "../../media/inspection/retry.ts";
import { ownMedia } from "../../media/own-media.ts";
import { presentMedia } from "../../media/present.ts";
import { upload, UPLOAD_MAX_BYTES } from "../../media/uploads/upload.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes, requireViewer } from "../../http/routes.ts";
import { refuseEncoded } from "./upload-requests.ts";

const OneMedia = { params: z.object({ id: MediaId }) };

const uploadMedia = createRoute({
  method: "post",
  path: "/media",
  summary: "Upload a picture or a short video",
  description:
    "The body is the file itself, at most 25 MB, with its Content-Length: JPEG, PNG, WebP, GIF, AVIF or HEIC, MP4, " +
    "MOV, WebM or MKV. The format is detected from the bytes; name and content type are ignored. Inspection follows: poll " +
    "the file until it is `ready`. For larger files, or unstable connections, use `/v1/uploads`.",
  request: {
    body: {
      required: true,
      content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
    },
  },
  responses: {
    201: { ...json(Media, "Uploaded"), headers: { Location: { schema: { type: "string" } } } },
    ...refusals,
  },
});

const readMedia = createRoute({
  method: "get",
  path: "/media/{id}",
  summary: "Get a media file of yours",
  request: OneMedia,
  responses: { 200: json(Media), ...refusals },
});

const editMedia = createRoute({
  method: "patch",
  path: "/media/{id}",
  summary: "Set the alternative text of a picture",
  description: "A post keeps the text that the picture had when it was published.",
  request: { ...OneMedia, ...body(EditMedia) },
  responses: { 200: json(Media), ...refusals },
});

const removeMedia = createRoute({
  method: "delete",
  path: "/media/{id}",
  summary: "Delete a media file that no post shows",
  request: OneMedia,
  responses: { 204: { description: "Deleted" }, ...refusals },
});

const retryInspection = createRoute({
  method: "post",
  path: "/media/{id}/inspection",
  summary: "Inspect a rejected media file again",
  description: "For files with `mayRetry`, whose result may change. Poll the file until it is `ready` or `rejected`.",
  request: OneMedia,
  responses: { 202: json(Media, "Being inspected"), ...refusals },
});

export const mediaRoutes = routes()
  .openapi(uploadMedia, async (c) => {
    const { person } = await requireViewer(c);
    refuseEncoded(c);
    const bytes = contentLength(c.req.header("content-length"));
    if (bytes > UPLOAD_MAX_BYTES)
      throw new Refusal("too_large", "The file is too large. Send at most 25 MB, or use /v1/uploads.");
    const file = c.req.raw.body;
    if (!file || bytes === 0) throw new Refusal("invalid_request", "The body is empty. Send the file as the body.");
    const row = await upload(c.env, person, bytes, file);
    return c.json(await presentMedia(c.var.reader, row), 201, {
      location: `/v1/media/${row.id}`,
      "cache-control": "no-store",
    });
  })
  .openapi(readMedia, async (c) => {
    const { person } = await requireViewer(c);
    const row = await ownMedia(c.env, person, c.req.valid("param").id);
    return c.json(await presentMedia(c.var.reader, row), 200, { "cache-control": "no-store" });
  })
  .openapi(removeMedia, async (c) => {
    const { person } = await requireViewer(c);
    const row = await ownMedia(c.env, person, c.req.valid("param").id);
    if (!(await deleteUpload(c.env, person, row))) throw new Refusal("media_in_use");
    return c.body(null, 204);
  })
  .openapi(retryInspection, async (c) => {
    const { person } = await requireViewer(c);
    const { id } = c.req.valid("param");
    await inspectAgain(c.env, person, await ownMedia(c.env, person, id));
    const row = await ownMedia(c.env, person, id);
    if (row.state === "rejected") throw new Refusal("not_inspected_again");
    return c.json(await presentMedia(c.var.reader, row), 202, { "cache-control": "no-store" });
  })
  .openapi(editMedia, async (c) => {
    const { person } = await requireViewer(c);
    const { id } = c.req.valid("param");
    const [row] = await databaseOf(c.env, id)
      .orm.update(media)
      .set(c.req.valid("json"))
      .where(and(eq(media.id, id), eq(media.owner, person)))
      .returning();
    if (!row) throw new Refusal("media_not_found");
    return c.json(await presentMedia(c.var.reader, row), 200, { "cache-control": "no-store" });
  });

function contentLength(header: string | undefined): number {
  if (!header || !/^\d+$/.test(header)) throw new Refusal("length_required");
  return Number(header);
}
