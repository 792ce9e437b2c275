/** Taking one's data along. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Export, FileRange, PostRange } from "../../../schema/api/exports.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { dataPart } from "../../export/data.ts";
import { beginDownload } from "../../export/downloads.ts";
import { filesPart } from "../../export/files.ts";
import { planExport } from "../../export/plan.ts";
import { skipping, streamOf } from "../../export/zip.ts";
import { type App, json, refusals, requireViewer, routes } from "../../http/routes.ts";
import { personDocuments } from "../../reads/documents.ts";

export const exports = routes();

const ZIP = { "application/zip": { schema: { type: "string", format: "binary" } } } as const;

exports.openapi(
  createRoute({
    method: "post",
    path: "/me/export",
    summary: "List the parts of the viewer's data",
    description:
      "Each part is a ZIP of its own, to be downloaded one after the other: first the data as JSON, then the files as " +
      "they were uploaded. A part that was cut off can be requested again; one of files also from a byte on. The JSON " +
      "is described in docs/export.md.",
    responses: { 200: json(Export), ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    return c.json({ parts: await planExport(c.env, person, await handleOf(c)) }, 200);
  },
);

exports.openapi(
  createRoute({
    method: "get",
    path: "/me/export/data",
    summary: "Download a part of the viewer's data",
    description: "At most two downloads at once.",
    request: { query: PostRange },
    responses: { 200: { content: ZIP, description: "A ZIP of JSON files" }, ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const handle = await handleOf(c);
    const end = await beginDownload(c.env, person);
    const chunks = dataPart(c.env, person, c.req.valid("query"));
    const stream = streamOf(chunks, () => c.executionCtx.waitUntil(end()));
    return c.body(stream, 200, headersOf(`shutterline-${handle}-data.zip`));
  },
);

exports.openapi(
  createRoute({
    method: "get",
    path: "/me/export/files",
    summary: "Download some of the viewer's files as they were uploaded",
    description:
      "Accepts `Range: bytes=N-`, with the ETag in `If-Range`, to go on after a connection was cut. At most two " +
      "downloads at once.",
    request: { query: FileRange },
    responses: {
      200: { content: ZIP, description: "A ZIP of files" },
      206: { content: ZIP, description: "The rest of it" },
      ...refusals,
    },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { after, upTo } = c.req.valid("query");
    const handle = await handleOf(c);
    const { bytes, etag, chunks } = await filesPart(c.env, person, after, upTo);
    const from = startOf(c, etag);
    if (from >= bytes) throw new Refusal("range_not_satisfiable");
    const end = await beginDownload(c.env, person);
    // The checksums at the end need every byte, so the part is read from its beginning again.
    const stream = streamOf(from === 0 ? chunks() : skipping(chunks(), from), () => c.executionCtx.waitUntil(end()));
    const sized = new FixedLengthStream(bytes - from);
    c.executionCtx.waitUntil(stream.pipeTo(sized.writable).catch(() => undefined)); // The client may be gone.
    const headers = {
      ...headersOf(`shutterline-${handle}-files.zip`),
      etag,
      "accept-ranges": "bytes",
      "content-length": String(bytes - from),
    };
    if (from === 0) return c.body(sized.readable, 200, headers);
    const range = `bytes ${from}-${bytes - 1}/${bytes}`;
    return c.body(sized.readable, 206, { ...headers, "content-range": range });
  },
);

/** Returns where the client wants to go on; 0 if it has bytes of something else, or asks for anything but the rest. */
function startOf(c: Context<App>, etag: string): number {
  const [, from] = /^bytes=(\d{1,12})-$/.exec(c.req.header("range") ?? "") ?? [];
  const known = c.req.header("if-range");
  return from === undefined || (known !== undefined && known !== etag) ? 0 : Number(from);
}

async function handleOf(c: Context<App>): Promise<string> {
  const { person } = await requireViewer(c);
  const card = (await personDocuments.get(c.var.reader, [person])).get(person);
  if (!card) throw new Refusal("not_signed_in");
  return card.handle;
}

const headersOf = (name: string): Record<string, string> => ({
  "content-type": "application/zip",
  "content-disposition": `attachment; filename="${name}"`,
  "cache-control": "private, no-store",
});
