/** For tests: pictures made on the spot, and the API as one person sees it. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Media } from "../../schema/api/media.ts";
import type { Effect } from "../../schema/facts.ts";
import type { MediaId, PersonId, SessionId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import { problem } from "../../workers/api/errors.ts";
import { mediaRoutes } from "../../workers/api/media.ts";
import { posters } from "../../workers/api/posters.ts";
import type { App } from "../../workers/api/routes.ts";
import { inspectMedia } from "../../workers/media/inspection/inspect.ts";
import { serveMedia } from "../../workers/media/serving/serve.ts";

/** A queue that delivers nothing: a test says itself when an upload is inspected. */
const INSPECTIONS = { send: () => Promise.resolve() } as unknown as Queue;

/** Asks the API, signed in as `person`. */
export async function as(person: PersonId | undefined, path: string, init: RequestInit = {}, bindings: Env = env) {
  const session = "0000000000000" as SessionId;
  const app = new OpenAPIHono<App>();
  app.use((c, next) => {
    c.set("viewer", person && { person, session, hasBlocks: false });
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

export const post = (person: PersonId | undefined, file: BodyInit, headers: HeadersInit = {}, bindings: Env = env) =>
  as(person, "/v1/media", { method: "POST", body: file, headers }, bindings);

/** Uploads a file with its true length. */
export const upload = (person: PersonId, file: ArrayBuffer): Promise<Response> =>
  post(person, file, { "content-length": String(file.byteLength) });

/** Uploads a file, has it inspected, and reads what has become of it. */
export async function inspected(person: PersonId, file: ArrayBuffer): Promise<Media> {
  const response = await upload(person, file);
  if (response.status !== 201) throw new Error(`refused: ${await codeOf(response)}`);
  const { id } = await response.json<Media>();
  await inspectMedia(env, await effectOf(id));
  return (await as(person, `/v1/media/${id}`)).json<Media>();
}

/** The code of a refusal. */
export const codeOf = async (response: Response): Promise<string> => (await response.json<{ code: string }>()).code;

export type Inspect = Extract<Effect, { kind: "inspect" }>;

/** What is still to be done about an upload. Fails when that is nothing. */
export async function effectOf(media: MediaId): Promise<Inspect> {
  const row = await databaseOf(env, media)
    .prepare("SELECT body FROM effects WHERE body ->> '$.media' = ?")
    .bind(media)
    .first<{ body: string }>();
  if (!row) throw new Error(`${media} has no effect`);
  return JSON.parse(row.body) as Inspect;
}

/** How light each pixel is, 0 to 255. */
type Shade = (x: number, y: number) => number;

/** A PNG in grey. `stated` is what its header says, if not the truth. */
export async function png(
  width: number,
  height: number,
  stated = { width, height },
  shade: Shade = () => 128,
): Promise<ArrayBuffer> {
  const rows = new Uint8Array((width + 1) * height); // Each begins with 0: no filter.
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + 1 + x] = shade(x, y);
  }
  const pixels = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, stated.width);
  header.setUint32(4, stated.height);
  header.setUint8(8, 8); // Bits a pixel, of the colour type 0: grey.
  return joined([
    new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("IDAT", new Uint8Array(await new Response(pixels).arrayBuffer())),
    chunk("IEND", new Uint8Array()),
  ]);
}

/** A JPEG with EXIF: orientation, camera, time, and a position, which nobody must ever see. */
export async function jpeg(width: number, height: number, exif: TiffTags, shade?: Shade): Promise<ArrayBuffer> {
  const picture = new Blob([await png(width, height, undefined, shade)]);
  const made = await env.IMAGES.input(picture.stream()).output({ format: "image/jpeg" });
  const bytes = new Uint8Array(await made.response().arrayBuffer());
  const block = joined([text("Exif\0\0"), new Uint8Array(tiff(exif))]);
  const length = block.byteLength + 2;
  const app1 = new Uint8Array([0xff, 0xe1, length >> 8, length & 255]);
  return joined([bytes.subarray(0, 2), app1, new Uint8Array(block), bytes.subarray(2)]);
}

export type TiffTags = { orientation: number; make: string; model: string; taken: string };

// One directory, its EXIF directory with the time, and its GPS directory with a latitude of 51 degrees.
function tiff({ orientation, make, model, taken }: TiffTags): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(1024));
  let free = 512; // Values that do not fit into an entry lie from here on.
  const entry = (at: number, tag: number, type: number, count: number, value: number) => {
    view.setUint16(at, tag);
    view.setUint16(at + 2, type);
    view.setUint32(at + 4, count);
    if (type === 3) view.setUint16(at + 8, value);
    else view.setUint32(at + 8, value);
  };
  const ascii = (at: number, tag: number, value: string) => {
    const bytes = text(`${value}\0`);
    entry(at, tag, 2, bytes.length, free);
    new Uint8Array(view.buffer).set(bytes, free);
    free += bytes.length;
  };
  view.setUint32(0, 0x4d4d002a); // Big-endian TIFF; its first directory is at 8.
  view.setUint32(4, 8);
  view.setUint16(8, 5);
  ascii(10, 0x010f, make);
  ascii(22, 0x0110, model);
  entry(34, 0x0112, 3, 1, orientation);
  entry(46, 0x8769, 4, 1, 128); // Where the EXIF directory is.
  entry(58, 0x8825, 4, 1, 256); // Where the GPS directory is.
  view.setUint16(128, 1);
  ascii(130, 0x9003, taken);
  view.setUint16(256, 2);
  entry(258, 1, 2, 2, 0x4e000000); // "N"
  entry(270, 2, 5, 3, free);
  for (const [index, number] of [51, 1, 30, 1, 0, 1].entries()) view.setUint32(free + index * 4, number);
  return view.buffer;
}

const text = (value: string) => new TextEncoder().encode(value);

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = new Uint8Array(joined([text(type), data]));
  const view = new DataView(new ArrayBuffer(body.length + 8));
  view.setUint32(0, data.length);
  new Uint8Array(view.buffer).set(body, 4);
  view.setUint32(body.length + 4, crc(body));
  return new Uint8Array(view.buffer);
}

// CRC-32, bit by bit.
function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}

export function joined(parts: Uint8Array[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer;
}
