/**
 * Large files that clients upload to R2 directly, at Miniflare's S3 endpoint for the local bucket. The endpoint's port
 * is known only once Miniflare runs, so the signed URLs point to a proxy in front of it.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { z } from "zod";
import type { DirectUpload } from "../../schema/api/uploads.ts";
import { DIRECT_PART_BYTES } from "../../schema/media/upload-limits.ts";
import { Api } from "../../scripts/api-client.ts";
import { type Server, startServer } from "../../scripts/local-server/server.ts";
import { changedConfig } from "./harness/config.ts";

const KEYS = { accessKeyId: "local", secretAccessKey: "not a secret" };
const MP4 = "\0\0\0\x14ftypisom\0\0\0\0mp41";

const folder = mkdtempSync(join(tmpdir(), "shutterline-"));
let server: Server;
let api: Api;
let token: string;
let s3Port = 0;
const proxy = createServer((client) => {
  const upstream = connect(s3Port, "127.0.0.1");
  client.pipe(upstream).pipe(client);
  for (const socket of [client, upstream]) socket.on("error", () => client.destroy());
});

beforeAll(async () => {
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { port } = proxy.address() as AddressInfo;
  const config = changedConfig(folder, (text) =>
    text.replace(
      'bucket_name = "shutterline-media"',
      `bucket_name = "shutterline-media"\nlocal_dev = { experimental_s3_credentials = { accessKeyId = "${KEYS.accessKeyId}", secretAccessKey = "${KEYS.secretAccessKey}" } }`,
    ),
  );
  server = await startServer({
    state: join(folder, ".shutterline"),
    host: "127.0.0.1",
    port: 0,
    assets: false,
    config,
    bindings: {
      R2_S3_ENDPOINT: `http://127.0.0.1:${port}/cdn-cgi/local/r2/s3`,
      R2_ACCESS_KEY_ID: KEYS.accessKeyId,
      R2_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    },
  });
  s3Port = Number((await server.miniflare.ready).port);
  const anonymous = new Api(`http://127.0.0.1:${server.port}`);
  ({ token } = await anonymous.signUp({ handle: "ada", password: "correct horse battery" }));
  api = anonymous.as({ token });
});
afterAll(async () => {
  await server.stop();
  proxy.close();
  rmSync(folder, { recursive: true, force: true });
});

const fileOf = (bytes: number, start = MP4) => {
  const file = Buffer.alloc(bytes, "shutterline ");
  file.write(start, "latin1");
  return file;
};

const post = (path: string, body: object) =>
  fetch(`${api.address}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });

async function begun(bytes: number): Promise<z.infer<typeof DirectUpload>> {
  const response = await post("/v1/media/direct", { bytes });
  expect(response.status).toBe(201);
  return (await response.json()) as z.infer<typeof DirectUpload>;
}

async function put({ parts }: z.infer<typeof DirectUpload>, file: Buffer) {
  const responses = await Promise.all(
    parts.map(({ number, bytes, url }) =>
      fetch(url, {
        method: "PUT",
        body: new Uint8Array(file.subarray((number - 1) * DIRECT_PART_BYTES).subarray(0, bytes)),
      }),
    ),
  );
  expect(responses.map(({ status }) => status)).toEqual(parts.map(() => 200));
  return responses.map(({ headers }, index) => ({ number: index + 1, etag: headers.get("etag") ?? "" }));
}

const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code];

it("completes an upload whose parts bypassed the Worker, and only once", async () => {
  const file = fileOf(DIRECT_PART_BYTES + 1_000_000);
  const upload = await begun(file.length);
  expect(upload.parts.map(({ bytes }) => bytes)).toEqual([DIRECT_PART_BYTES, 1_000_000]);
  const parts = await put(upload, file);

  const complete = await post(`/v1/media/${upload.id}/complete`, { parts: parts.toReversed() });
  expect([complete.status, await complete.json()]).toMatchObject([
    200,
    { bytes: file.length, contentType: "video/mp4" },
  ]);
  const bucket = await server.miniflare.getR2Bucket("MEDIA");
  const stored = await bucket.get(`originals/${upload.id}`);
  // Inspection may have rejected and deleted it by now, because it is no video.
  if (stored) expect(Buffer.from(await stored.arrayBuffer()).equals(file)).toBe(true);
  expect((await post(`/v1/media/${upload.id}/complete`, { parts })).status).toBe(200);

  // The signed URLs no longer work, so the file cannot be replaced.
  const [first] = upload.parts;
  const again = await fetch(first?.url ?? "", {
    method: "PUT",
    body: new Uint8Array(file.subarray(0, DIRECT_PART_BYTES)),
  });
  expect(again.status).toBeGreaterThanOrEqual(400);
});

it("rejects bytes that were not signed for, and lists of parts that were not uploaded", async () => {
  const file = fileOf(10_000);
  const upload = await begun(file.length);
  const url = upload.parts[0]?.url ?? "";
  const refused = [
    await fetch(url, { method: "PUT", body: new Uint8Array(file.subarray(1)) }),
    await fetch(url.replace(upload.id, "06j0000000000"), { method: "PUT", body: new Uint8Array(file) }),
    await fetch(url.replace("partNumber=1", "partNumber=2"), { method: "PUT", body: new Uint8Array(file) }),
    await fetch(url.replace(/X-Amz-Signature=../, "X-Amz-Signature=00"), { method: "PUT", body: new Uint8Array(file) }),
  ];
  expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403]);

  const complete = (parts: object[]) => post(`/v1/media/${upload.id}/complete`, { parts });
  expect(await codeOf(await complete([{ number: 1, etag: "0".repeat(32) }]))).toEqual([422, "invalid_request"]);
  expect(await codeOf(await complete([{ number: 2, etag: "x" }]))).toEqual([422, "invalid_request"]);
  const parts = await put(upload, file);
  expect(await codeOf(await complete([...parts, { number: 2, etag: "x" }]))).toEqual([422, "invalid_request"]);
  expect((await complete(parts)).status).toBe(200);
});

it("deletes a file of an unsupported type", async () => {
  const file = fileOf(1_000_000, "%PDF-1.7\n");
  const upload = await begun(file.length);
  const parts = await put(upload, file);
  const complete = () => post(`/v1/media/${upload.id}/complete`, { parts });
  expect(await codeOf(await complete())).toEqual([415, "unsupported_type"]);
  expect(await codeOf(await complete())).toEqual([404, "media_not_found"]);
  const bucket = await server.miniflare.getR2Bucket("MEDIA");
  expect(await bucket.head(`originals/${upload.id}`)).toBeNull();
});
