/** Uploads of large files that clients send straight to R2. */
import { createRoute, z } from "@hono/zod-openapi";
import { Media } from "../../../schema/api/media.ts";
import { BeginDirect, CompleteDirect, DirectUpload } from "../../../schema/api/uploads.ts";
import { MediaId } from "../../../schema/ids.ts";
import { originalKey } from "../../media/files/objects.ts";
import { ownMedia } from "../../media/own-media.ts";
import { presentMedia } from "../../media/present.ts";
import { PART_URL_SECONDS, presignedPartUrls, type S3, s3ConfigOf } from "../../media/uploads/direct.ts";
import { beginUpload, completeDirectUpload } from "../../media/uploads/resumable.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const directUploads = routes();

directUploads.openapi(
  createRoute({
    method: "post",
    path: "/media/direct",
    summary: "Begin an upload whose parts go straight to the bucket",
    description:
      "Not every deployment offers it (`direct_uploads_not_set_up`). PUT each part to its URL, then complete the " +
      "upload. `bytes` count against the quota from now on. An upload that is not completed within 24 hours is " +
      "removed.",
    request: body(BeginDirect),
    responses: { 201: json(DirectUpload, "Begun"), ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const s3 = setUp(c.env);
    const { row, expiresAt, multipart } = await beginUpload(c.env, person, c.req.valid("json").bytes, true);
    if (multipart === undefined) throw new Error(`${row.id} has no multipart upload`);
    const urlsExpireAt = new Date(Date.now() + PART_URL_SECONDS * 1000).toISOString();
    const parts = await presignedPartUrls(s3, originalKey(row.id), multipart, row.bytes);
    return c.json({ id: row.id, parts, urlsExpireAt, expiresAt: new Date(expiresAt).toISOString() }, 201);
  },
);

directUploads.openapi(
  createRoute({
    method: "post",
    path: "/media/{id}/complete",
    summary: "Complete a direct upload",
    description:
      "Joins the parts in the bucket into a file, which is then inspected like one sent to `POST /v1/media`. Safe to " +
      "repeat. A file that is not accepted is removed.",
    request: { params: z.object({ id: MediaId }), ...body(CompleteDirect) },
    responses: { 200: json(Media), ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { id } = c.req.valid("param");
    const parts = c.req.valid("json").parts.toSorted((a, b) => a.number - b.number);
    if (parts.some(({ number }, index) => number !== index + 1))
      throw new Refusal("invalid_request", "Number the parts from 1, without gaps or repeats");
    await completeDirectUpload(
      c.env,
      c.executionCtx,
      id,
      person,
      parts.map(({ etag }) => etag.replaceAll('"', "")),
    );
    const row = await ownMedia(c.env, person, id);
    return c.json(await presentMedia(c.var.reader, row), 200, { "cache-control": "no-store" });
  },
);

function setUp(env: Env): S3 {
  const s3 = s3ConfigOf(env);
  if (!s3) throw new Refusal("direct_uploads_not_set_up");
  return s3;
}
