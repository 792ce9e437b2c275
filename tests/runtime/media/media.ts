/** Generated pictures and a client of the media routes, for tests. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Media } from "../../../schema/api/media.ts";
import type { Effect } from "../../../schema/messages/effects.ts";
import type { MediaId, PersonId, SessionId } from "../../../schema/ids.ts";
import { d1Of } from "../stores/d1.ts";
import { Reader } from "../../../workers/storage/reader.ts";
import { problem } from "../../../workers/http/problems.ts";
import { mediaRoutes } from "../../../workers/api/media/media.ts";
import { posters } from "../../../workers/api/media/posters.ts";
import type { App } from "../../../workers/http/routes.ts";
import { inspectMedia } from "../../../workers/media/inspection/inspect.ts";
import { serveMedia } from "../../../workers/media/serving/serve.ts";
import { exifSegment, joined, png, type Shade, tiff, type TiffTags } from "./picture-bytes.ts";

export { joined, png };

/** A queue that delivers nothing: the test decides when an upload is inspected. */
const INSPECTIONS = { send: () => Promise.resolve() } as unknown as Queue;

/** The session that requests of a person have here, which signs the URLs of their unpublished files. */
const sessionOf = (person: PersonId) => person as string as SessionId;

/** Stores that session, so that what it signed is served. */
export const openSession = (person: PersonId) =>
  d1Of(env, person)
    .prepare("INSERT INTO sessions (id, person, secret_hash, expires_at, used_at) VALUES (?1, ?2, '', ?3, ?4)")
    .bind(sessionOf(person), person, Date.now() + 3_600_000, Date.now())
    .run();

/** Sends a request to the media routes, signed in as `person`. */
export async function requestAs(
  person: PersonId | undefined,
  path: string,
  init: RequestInit = {},
  bindings: Env = env,
) {
  const app = new OpenAPIHono<App>();
  app.use((c, next) => {
    const reader = new Reader(c.env, c.executionCtx);
    if (person)
      reader.actFor({ person, session: sessionOf(person) }, async () => ({ hasBlocks: false, at: undefined }));
    c.set("reader", reader);
    return next();
  });
  app.onError(problem).route("/v1", mediaRoutes).route("/v1", posters).route("/", serveMedia);
  const ctx = createExecutionContext();
  const response = await app.fetch(
    new Request(`https://test${path}`, init),
    { ...bindings, INSPECTIONS, VIDEO_INSPECTIONS: INSPECTIONS },
    ctx,
  );
  await waitOnExecutionContext(ctx);
  return response;
}

/** Uploads a file in one request. */
export const post = (person: PersonId | undefined, file: BodyInit, headers: HeadersInit = {}, bindings: Env = env) =>
  requestAs(person, "/v1/media", { method: "POST", body: file, headers }, bindings);

/** Uploads a file with its true length. */
export const upload = (person: PersonId, file: ArrayBuffer): Promise<Response> =>
  post(person, file, { "content-length": String(file.byteLength) });

/** Uploads a file, inspects it, and returns the resulting media. */
export async function inspected(person: PersonId, file: ArrayBuffer): Promise<Media> {
  const response = await upload(person, file);
  if (response.status !== 201) throw new Error(`refused: ${await codeOf(response)}`);
  const { id } = await response.json<Media>();
  await inspectMedia(env, await effectOf(id));
  return (await requestAs(person, `/v1/media/${id}`)).json<Media>();
}

/** Returns the code of a problem response. */
export const codeOf = async (response: Response): Promise<string> => (await response.json<{ code: string }>()).code;

export type Inspect = Extract<Effect, { kind: "inspect" }>;

/** Returns the pending effect of an upload. Throws if there is none. */
export async function effectOf(media: MediaId): Promise<Inspect> {
  const row = await d1Of(env, media)
    .prepare("SELECT body FROM effects WHERE body ->> '$.media' = ?")
    .bind(media)
    .first<{ body: string }>();
  if (!row) throw new Error(`${media} has no effect`);
  return JSON.parse(row.body) as Inspect;
}

/** Makes a JPEG whose EXIF has orientation, camera, time, and a position, which must never be served. */
export async function jpeg(width: number, height: number, exif: TiffTags, shade?: Shade): Promise<ArrayBuffer> {
  const picture = new Blob([await png(width, height, undefined, shade)]);
  const made = await env.IMAGES.input(picture.stream()).output({ format: "image/jpeg" });
  const bytes = new Uint8Array(await made.response().arrayBuffer());
  return joined([bytes.subarray(0, 2), exifSegment(tiff(exif)), bytes.subarray(2)]);
}
