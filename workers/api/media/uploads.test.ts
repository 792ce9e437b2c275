import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { type MediaId, newId, shardOf } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { PART_BYTES, UNFINISHED_UPLOADS_MAX, VIDEO_MAX_BYTES } from "../../../schema/media/upload-limits.ts";
import { type Faults, withFaults } from "../../../tests/runtime/stores/faults.ts";
import { codeOf, effectOf } from "../../../tests/runtime/media/media.ts";
import { ask } from "../../../tests/runtime/world/people.ts";
import {
  bodyOf,
  type Client,
  digestOf,
  fileOf,
  MP4,
  newClient,
  quietEnv,
  mediaRowOf,
  storedDigest,
} from "../../../tests/runtime/media/uploads.ts";

const refusal = async (response: Response) => [response.status, await codeOf(response)];
const sha = async (algorithm: string, bytes: Uint8Array<ArrayBuffer>) =>
  new Uint8Array(await crypto.subtle.digest(algorithm, bytes)).toBase64();
const idOf = (response: Response) => (response.headers.get("location") ?? "").replace("/v1/uploads/", "") as MediaId;

it("accepts a file in chunks, and has it inspected", async () => {
  const client = await newClient();
  const file = fileOf(300_000);
  const response = await client.begin(file.length, {
    "Upload-Metadata": "filename Li4vLi4veC5waHA=,filetype dGV4dA==",
  });
  const id = idOf(response);

  expect([response.status, response.headers.get("upload-offset")]).toEqual([201, "0"]);
  expect(Date.parse(response.headers.get("upload-expires") ?? "")).toBeGreaterThan(Date.now() + 23 * 3_600_000);
  expect(shardOf(id)).toBe(shardOf(client.person.id));
  expect(await mediaRowOf(id)).toMatchObject({ state: "uploading", bytes: file.length });

  const first = await client.patch(id, 0, file.slice(0, 100_000));
  expect([first.status, first.headers.get("upload-offset")]).toEqual([204, "100000"]);
  const head = await client.head(id);
  expect([head.status, head.headers.get("upload-offset"), head.headers.get("upload-length")]).toEqual([
    204,
    "100000",
    "300000",
  ]);
  const last = await client.patch(id, 100_000, file.slice(100_000));
  expect([last.status, last.headers.get("upload-offset")]).toEqual([204, "300000"]);

  expect(await mediaRowOf(id)).toMatchObject({ state: "uploaded", type: "image/png" });
  expect(await storedDigest(id)).toBe(await digestOf(file));
  expect(await effectOf(id)).toEqual({ kind: "inspect", media: id, id: expect.any(String) as string });
  // As a client does that lost the last response.
  expect(await client.offset(id)).toBe(300_000);
  expect((await client.patch(id, 300_000, "")).status).toBe(204);
  expect(await refusal(await client.patch(id, 0, file.slice(0, 10)))).toEqual([409, "offset_mismatch"]);
  expect(await refusal(await client.end(id))).toEqual([404, "media_not_found"]);
});

it("accepts a video of several parts in one request, and inspects it as a video", async () => {
  const client = await newClient();
  const file = fileOf(2 * PART_BYTES + 1234, MP4);
  const response = await client.begin(file.length, {}, bodyOf(file));
  const id = idOf(response);
  expect([response.status, response.headers.get("upload-offset")]).toEqual([201, String(file.length)]);
  expect(await storedDigest(id)).toBe(await digestOf(file));
  expect(await mediaRowOf(id)).toMatchObject({ state: "uploaded", type: "video/mp4" });
  expect(await effectOf(id)).toMatchObject({ video: true });
});

it("keeps the received bytes of a body that breaks off, even after an eviction", async () => {
  const client = await newClient();
  const file = fileOf(PART_BYTES + 500_000, MP4);
  const id = await client.begun(file.length);
  await client.patch(id, 0, bodyOf(file, { until: PART_BYTES + 300_000 }));
  await evictDurableObject(env.UPLOADS.getByName(id));
  const offset = await client.offset(id);
  expect(offset).toBeGreaterThan(PART_BYTES);
  expect((await client.patch(id, offset, file.slice(offset))).status).toBe(204);
  expect(await storedDigest(id)).toBe(await digestOf(file));
});

it("lets a later request continue where a silent connection stopped", async () => {
  const client = await newClient();
  const file = fileOf(400_000);
  const id = await client.begun(file.length);
  const silent = client.patch(id, 0, bodyOf(file, { until: 200_000, hangs: true }));
  await scheduler.wait(50);
  const offset = await client.offset(id);
  expect(await refusal(await silent)).toEqual([423, "upload_busy"]);
  expect((await client.patch(id, offset, file.slice(offset))).status).toBe(204);
  expect(await storedDigest(id)).toBe(await digestOf(file));
});

it("accepts a body that arrives byte by byte", async () => {
  const client = await newClient();
  const file = fileOf(2000);
  const id = await client.begun(file.length);
  expect((await client.patch(id, 0, bodyOf(file, { size: 1 }))).status).toBe(204);
  expect(await storedDigest(id)).toBe(await digestOf(file));
});

it("keeps a chunk with a checksum as a whole, or not at all", async () => {
  const client = await newClient();
  const file = fileOf(40_000);
  const id = await client.begun(file.length);
  const checked = (offset: number, chunk: Uint8Array<ArrayBuffer>, checksum: string) =>
    client.patch(id, offset, chunk, { "Upload-Checksum": checksum });
  const [a, b, c] = [file.slice(0, 10_000), file.slice(10_000, 20_000), file.slice(20_000)];

  expect(await refusal(await checked(0, a, `sha1 ${await sha("SHA-1", b)}`))).toEqual([460, "checksum_mismatch"]);
  expect(await client.offset(id)).toBe(0);
  expect((await checked(0, a, `sha1 ${await sha("SHA-1", a)}`)).status).toBe(204);
  expect((await checked(10_000, b, `md5 ${await sha("MD5", b)}`)).status).toBe(204);
  expect(await refusal(await checked(20_000, c, "crc32 AAAAAA=="))).toEqual([400, "unsupported_checksum"]);
  expect((await checked(20_000, c, `sha256 ${await sha("SHA-256", c)}`)).status).toBe(204);
  expect(await storedDigest(id)).toBe(await digestOf(file));
});

it("rejects a chunk with a checksum that is too large for memory, and keeps the upload", async () => {
  const client = await newClient();
  const file = fileOf(PART_BYTES + 10, MP4);
  const id = await client.begun(file.length);
  const checksum = { "Upload-Checksum": `sha1 ${await sha("SHA-1", file)}` };
  expect(await refusal(await client.patch(id, 0, bodyOf(file), checksum))).toEqual([413, "too_large"]);
  expect(await client.offset(id)).toBe(0);
});

it("lists its capabilities without a session", async () => {
  const { status, headers } = await ask("OPTIONS", "/v1/uploads");
  expect(status).toBe(204);
  expect(Object.fromEntries(headers)).toMatchObject({
    "tus-resumable": "1.0.0",
    "tus-version": "1.0.0",
    "tus-max-size": String(VIDEO_MAX_BYTES),
    "tus-extension": "creation,creation-with-upload,expiration,checksum,termination",
    "tus-checksum-algorithm": "sha1,sha256,md5",
  });
});

it("rejects violations of the protocol, and names its version", async () => {
  const client = await newClient();
  const id = await client.begun(1000);
  const begin = (headers: Record<string, string>) => client.call("POST", "/v1/uploads", headers);
  const patch = (headers: Record<string, string>) =>
    client.call("PATCH", `/v1/uploads/${id}`, { "Upload-Offset": "0", ...headers }, "x");
  const cases: [Promise<Response>, number, string][] = [
    [begin({}), 411, "length_required"],
    [begin({ "Upload-Length": "-1" }), 411, "length_required"],
    [begin({ "Upload-Defer-Length": "1" }), 411, "length_required"],
    [begin({ "Upload-Length": "0" }), 422, "invalid_request"],
    [begin({ "Upload-Length": String(VIDEO_MAX_BYTES + 1) }), 413, "too_large"],
    [begin({ "Upload-Length": "9", "Tus-Resumable": "0.2.2" }), 412, "unsupported_tus_version"],
    [patch({ "Tus-Resumable": "" }), 412, "unsupported_tus_version"],
    [patch({ "content-type": "application/octet-stream" }), 415, "unsupported_type"],
    [patch({ "content-encoding": "gzip" }), 415, "unsupported_type"],
    [patch({ "Upload-Offset": "x" }), 422, "invalid_request"],
    [patch({ "Upload-Offset": "7" }), 409, "offset_mismatch"],
    [ask("POST", "/v1/uploads", { headers: { "Tus-Resumable": "1.0.0" } }), 401, "not_signed_in"],
    [client.call("PATCH", "/v1/uploads/..%2f..%2fx", { "Upload-Offset": "0" }, "x"), 422, "invalid_request"],
  ];
  for (const [asked, status, code] of cases) {
    const answer = await asked;
    expect([...(await refusal(answer)), answer.headers.get("tus-resumable")]).toEqual([status, code, "1.0.0"]);
    expect(answer.headers.get("tus-version")).toBe(status === 412 ? "1.0.0" : null);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  }
  expect(await client.offset(id)).toBe(0);
});

it("keeps earlier bytes when a chunk is too long", async () => {
  const client = await newClient();
  const file = fileOf(1000);
  const id = await client.begun(file.length);
  expect((await client.patch(id, 0, file.slice(0, 900))).status).toBe(204);
  expect(await refusal(await client.patch(id, 900, file.slice(0, 200)))).toEqual([422, "invalid_request"]);
  expect(await client.offset(id)).toBe(900);
  expect((await client.patch(id, 900, file.slice(900))).status).toBe(204);
  expect(await storedDigest(id)).toBe(await digestOf(file));
});

it("finds an upload for its owner only", async () => {
  const [owner, other] = [await newClient(), await newClient()];
  const id = await owner.begun(100);
  const unknown = newId<MediaId>(shardOf(owner.person.id));
  for (const answer of [
    await other.head(id),
    await other.patch(id, 0, fileOf(100)),
    await other.end(id),
    await owner.head(unknown),
    await owner.patch(unknown, 0, "x"),
    await owner.end(unknown),
  ]) {
    expect(answer.status).toBe(404);
  }
  expect(await owner.offset(id)).toBe(0);
});

it("supports X-HTTP-Method-Override for clients that only send POST", async () => {
  const client = await newClient();
  const file = fileOf(100);
  const id = await client.begun(100);
  const post = (method: string, raw?: BodyInit) =>
    client.call("POST", `/v1/uploads/${id}`, { "X-HTTP-Method-Override": method, "Upload-Offset": "0" }, raw);
  expect((await post("HEAD")).headers.get("upload-offset")).toBe("0");
  expect((await post("PATCH", file.slice(0, 50))).headers.get("upload-offset")).toBe("50");
  expect((await post("DELETE")).status).toBe(204);
  for (const unknown of ["PUT", "constructor", "__proto__"]) expect((await post(unknown)).status).toBe(404);
  expect(await mediaRowOf(id)).toBeNull();
});

it("rejects an unsupported file at its first bytes, and keeps nothing of it", async () => {
  const client = await newClient();
  const mb = 1024 * 1024;
  for (const [file, bytes, status, code] of [
    [fileOf(5000, "<svg xmlns='http://www.w3.org/2000/svg'>"), 5000, 415, "unsupported_type"],
    [fileOf(5000, "%PDF-1.7\n"), 5000, 415, "unsupported_type"],
    [fileOf(40, "GIF90a"), 40, 415, "unsupported_type"],
    [fileOf(5000), 26 * mb, 413, "too_large"], // A picture of 26 MB.
  ] as const) {
    const id = await client.begun(bytes);
    const sent = client.patch(id, 0, bodyOf(file, { size: 100, hangs: true }));
    expect(await refusal(await sent)).toEqual([status, code]);
    expect((await client.head(id)).status).toBe(404);
    expect(await mediaRowOf(id)).toBeNull();
  }
  const video = await client.begun(26 * mb);
  expect((await client.patch(video, 0, fileOf(5000, MP4))).status).toBe(204);
});

it("cancels an upload for its owner, and frees its quota", async () => {
  const client = await newClient();
  const file = fileOf(PART_BYTES + 10, MP4);
  const id = await client.begun(file.length);
  await client.patch(id, 0, file.slice(0, PART_BYTES + 5));
  expect(await usedBy(client)).toMatchObject({ used: file.length, unfinished: 1 });
  expect((await client.end(id)).status).toBe(204);
  expect(await usedBy(client)).toMatchObject({ used: 0, unfinished: 0 });
  expect((await client.head(id)).status).toBe(404);
  expect(await storedDigest(id)).toBeUndefined();
});

it("keeps nothing of an upload whose first chunk is rejected at creation, as no client knows its id", async () => {
  const client = await newClient();
  const file = fileOf(1000);
  const checksum = { "Upload-Checksum": `sha1 ${await sha("SHA-1", file.slice(1))}` };
  expect(await refusal(await client.begin(999, {}, file))).toEqual([422, "invalid_request"]);
  expect(await refusal(await client.begin(1000, checksum, file))).toEqual([460, "checksum_mismatch"]);
  expect(await usedBy(client)).toMatchObject({ used: 0, unfinished: 0 });
});

const usedBy = async (client: Client) => (await client.call("GET", "/v1/me/media-quota")).json();

it("never exceeds a person's quota, however many uploads begin at once", async () => {
  const limit = 1_000_000;
  const bindings = { ...quietEnv, MEDIA_QUOTA_BYTES: String(limit) };
  const client = await newClient(bindings);
  const asked = await Promise.all(Array.from({ length: 200 }, () => client.begin(70_000)));
  const statuses = Map.groupBy(asked, ({ status }) => status);
  expect([statuses.get(201)?.length, statuses.get(413)?.length]).toEqual([14, 186]);
  expect(await codeOf(statuses.get(413)?.[0] as Response)).toBe("quota_exceeded");
  expect(await usedBy(client)).toEqual({ used: 980_000, limit, unfinished: 14, unfinishedLimit: 20 });

  // Likewise for an upload in one request.
  const file = fileOf(70_000);
  const single = await ask("POST", "/v1/media", {
    token: client.token,
    raw: file,
    headers: { "content-length": String(file.length) },
    env: bindings,
  });
  expect(await refusal(single)).toEqual([413, "quota_exceeded"]);

  await client.end(idOf(statuses.get(201)?.[0] as Response));
  expect((await client.begin(70_000)).status).toBe(201);
});

it("limits the number of unfinished uploads", async () => {
  const client = await newClient();
  const asked = await Promise.all(Array.from({ length: 30 }, () => client.begin(VIDEO_MAX_BYTES / 128)));
  const taken = asked.filter(({ status }) => status === 201);
  expect(taken).toHaveLength(UNFINISHED_UPLOADS_MAX);
  const refused = asked.find(({ status }) => status !== 201) as Response;
  expect([...(await refusal(refused)), refused.headers.get("retry-after")]).toEqual([429, "too_many_uploads", "60"]);
});

it("reports an upload as finished only once D1 has it", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  const faults: Faults = {};
  const client = await newClient(withFaults(quietEnv, faults).env);
  const id = await client.begun(1000);
  faults.writes = "throws";
  expect((await client.patch(id, 0, fileOf(1000))).status).toBe(503);
  expect((await client.head(id)).status).toBe(503);
  delete faults.writes;
  expect(await client.offset(id)).toBe(1000);
  expect(await mediaRowOf(id)).toMatchObject({ state: "uploaded" });
  vi.restoreAllMocks();
});

it("counts unfinished uploads by an index of their own", async () => {
  const plan = await d1Of(env, newId<MediaId>(1))
    .prepare("EXPLAIN QUERY PLAN SELECT count(*) FROM media WHERE owner = ? AND state = 'uploading'")
    .bind("x")
    .all<{ detail: string }>();
  expect(plan.results[0]?.detail).toContain("media_uploading");
});
