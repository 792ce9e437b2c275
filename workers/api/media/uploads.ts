/** Resumable uploads by tus 1.0: https://tus.io/protocols/resumable-upload */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { isId, MediaId } from "../../../schema/ids.ts";
import { CHECKED_CHUNK_MAX_BYTES, VIDEO_MAX_BYTES } from "../../../schema/media/upload-limits.ts";
import { type AppendRequest, CHECKSUM_ALGORITHMS, type UploadProgress } from "../../../schema/media/uploads.ts";
import {
  appendChunk,
  appendFirstChunk,
  beginUpload,
  progressOf,
  discardUpload,
} from "../../media/uploads/resumable.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { type App, refusals, routes, requireViewer } from "../../http/routes.ts";
import { refuseEncoded } from "./upload-requests.ts";

const VERSION = "1.0.0";
const CHUNK = "application/offset+octet-stream";
const EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination";

export const uploads = routes();

const tus = createMiddleware<App>(async (c, next) => {
  await next();
  c.header("Tus-Resumable", VERSION);
  if (c.res.status === 412) c.header("Tus-Version", VERSION);
  c.header("Cache-Control", "no-store");
});
uploads.use("/uploads", tus);
uploads.use("/uploads/*", tus);

const HEADERS = z.object({
  "tus-resumable": z.string().optional().openapi({ description: VERSION }),
});
const description = "tus 1.0: https://tus.io/protocols/resumable-upload";
const oneUpload = { params: z.object({ id: MediaId }) };
const chunk = { body: { content: { [CHUNK]: { schema: { type: "string", format: "binary" } } } } } as const;
const stringHeaders = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, { schema: { type: "string" as const } }])) as Record<
    string,
    { schema: { type: "string" } }
  >;

uploads.openapi(
  createRoute({
    method: "options",
    path: "/uploads",
    summary: "Get the supported tus version, extensions and limits",
    description,
    responses: {
      204: {
        description: "See the headers",
        headers: stringHeaders("Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"),
      },
    },
  }),
  (c) =>
    c.body(null, 204, {
      "Tus-Version": VERSION,
      "Tus-Extension": EXTENSIONS,
      "Tus-Max-Size": String(VIDEO_MAX_BYTES),
      "Tus-Checksum-Algorithm": CHECKSUM_ALGORITHMS.join(","),
    }),
);

uploads.openapi(
  createRoute({
    method: "post",
    path: "/uploads",
    summary: "Begin a resumable upload",
    description:
      `${description}. Upload-Length is required, and counts against the quota from now on. Upload-Metadata is ` +
      "ignored: the format is detected from the first bytes. A body is the first chunk. The id in Location is that " +
      "of the media file; after the last byte it is inspected like one sent to `POST /v1/media`. An upload " +
      "without progress for 24 hours is removed.",
    request: { headers: HEADERS, ...chunk },
    responses: {
      201: { description: "Begun", headers: stringHeaders("Location", "Upload-Offset", "Upload-Expires") },
      ...refusals,
    },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    requireVersion(c);
    const bytes = uploadLength(c.req.header("upload-length"));
    const body = c.req.header("content-type") === CHUNK ? c.req.raw.body : null;
    const checksum = body ? checksumOf(c) : undefined;
    refuseEncoded(c);
    if (body) refuseLonger(c, bytes);
    const { row, expiresAt } = await beginUpload(c.env, person, bytes);
    const what = { owner: person, offset: 0, ...(checksum && { checksum }) };
    const standing = body
      ? await appendFirstChunk(c.env, c.executionCtx, row.id, what, body)
      : { offset: 0, bytes, expiresAt };
    return c.body(null, 201, { Location: `/v1/uploads/${row.id}`, ...headersOf(standing) });
  },
);

const readUpload = createRoute({
  method: "get",
  path: "/uploads/{id}",
  summary: "Get the offset of an upload of yours",
  description: `${description}: use HEAD. Ends any request that is still sending to this upload.`,
  request: { ...oneUpload, headers: HEADERS },
  responses: {
    204: { description: "See the headers", headers: stringHeaders("Upload-Offset", "Upload-Length") },
    ...refusals,
  },
});

uploads.openapi(readUpload, async (c) => readStanding(c, c.req.valid("param").id));

uploads.openapi(
  createRoute({
    method: "patch",
    path: "/uploads/{id}",
    summary: "Send the next bytes of an upload",
    description:
      `${description}. All bytes that arrive are kept, however the request ends. A chunk with Upload-Checksum (sha1, ` +
      `sha256, md5) is kept only if it matches, and has at most ${CHECKED_CHUNK_MAX_BYTES} bytes. Ends any other ` +
      "request that is still sending to this upload.",
    request: { ...oneUpload, headers: HEADERS, ...chunk },
    responses: { 204: { description: "Kept", headers: stringHeaders("Upload-Offset", "Upload-Expires") }, ...refusals },
  }),
  async (c) => receiveChunk(c, c.req.valid("param").id),
);

uploads.openapi(
  createRoute({
    method: "delete",
    path: "/uploads/{id}",
    summary: "Cancel an unfinished upload",
    description,
    request: { ...oneUpload, headers: HEADERS },
    responses: { 204: { description: "Removed" }, ...refusals },
  }),
  async (c) => endUpload(c, c.req.valid("param").id),
);

// For clients behind a proxy that only passes GET and POST. It is part of the tus core, so OpenAPI does not list it.
uploads.post("/uploads/:id", async (c) => {
  const id = c.req.param("id");
  if (!isId(id)) throw new Refusal("media_not_found");
  const method = METHODS.get(c.req.header("x-http-method-override") ?? "");
  if (!method) throw new Refusal("not_found");
  return method(c, id as MediaId);
});

const METHODS: ReadonlyMap<string, typeof readStanding> = new Map([
  ["PATCH", receiveChunk],
  ["HEAD", readStanding],
  ["DELETE", endUpload],
]);

async function readStanding(c: Context<App>, id: MediaId) {
  const { person } = await requireViewer(c);
  requireVersion(c);
  const standing = await progressOf(c.env, c.executionCtx, id, person);
  return c.body(null, 204, { ...headersOf(standing), "Upload-Length": String(standing.bytes) });
}

async function receiveChunk(c: Context<App>, id: MediaId) {
  const { person } = await requireViewer(c);
  requireVersion(c);
  refuseEncoded(c);
  if (c.req.header("content-type") !== CHUNK)
    throw new Refusal("unsupported_type", `Send the chunk with Content-Type: ${CHUNK}.`);
  const offset = parseCount(c.req.header("upload-offset"));
  if (offset === undefined) throw new Refusal("invalid_request", "Send an Upload-Offset header.");
  const checksum = checksumOf(c);
  const what = { owner: person, offset, ...(checksum && { checksum }) };
  const standing = await appendChunk(c.env, c.executionCtx, id, what, c.req.raw.body);
  return c.body(null, 204, headersOf(standing));
}

async function endUpload(c: Context<App>, id: MediaId) {
  const { person } = await requireViewer(c);
  requireVersion(c);
  await discardUpload(c.env, id, person);
  return c.body(null, 204);
}

function headersOf({ offset, expiresAt, stored }: UploadProgress): Record<string, string> {
  const expires = stored ? {} : { "Upload-Expires": new Date(expiresAt).toUTCString() };
  return { "Upload-Offset": String(offset), ...expires };
}

function requireVersion(c: Context<App>): void {
  if (c.req.header("tus-resumable") !== VERSION) throw new Refusal("unsupported_tus_version");
}

function uploadLength(header: string | undefined): number {
  const bytes = parseCount(header);
  if (bytes === undefined) throw new Refusal("length_required", "Send an Upload-Length header.");
  if (bytes === 0) throw new Refusal("invalid_request", "The file is empty. Choose another one.");
  return bytes;
}

const parseCount = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;

function refuseLonger(c: Context<App>, bytes: number): void {
  if ((parseCount(c.req.header("content-length")) ?? 0) > bytes)
    throw new Refusal(
      "invalid_request",
      "The body is longer than Upload-Length. Begin an upload with the right length.",
    );
}

/** Parses Upload-Checksum: "sha1 " (or another algorithm) and the digest in base64. */
function checksumOf(c: Context<App>): AppendRequest["checksum"] {
  const header = c.req.header("upload-checksum");
  if (header === undefined) return undefined;
  const [, name, digest] = /^(\w+) ([\w+/]+={0,2})$/.exec(header) ?? [];
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === name);
  if (!algorithm || digest === undefined) throw new Refusal("unsupported_checksum");
  if ((parseCount(c.req.header("content-length")) ?? 0) > CHECKED_CHUNK_MAX_BYTES)
    throw new Refusal("too_large", "The chunk is too large. Send at most 5 MB with a checksum.");
  return { algorithm, digest };
}
