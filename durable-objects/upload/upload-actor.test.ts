import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import type { MediaId } from "../../schema/ids.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { STALLED_KEPT_FOR, PART_BYTES, UPLOAD_LASTS } from "../../schema/media/upload-limits.ts";
import { codeOf } from "../../tests/runtime/media/media.ts";
import {
  bodyOf,
  type Client,
  digestOf,
  fileOf,
  MP4,
  newClient,
  mediaRowOf,
  storedDigest,
} from "../../tests/runtime/media/uploads.ts";
import { discard } from "../../workers/media/uploads/upload.ts";
import { originalKey } from "../../workers/media/files/objects.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const actorOf = (id: MediaId) => env.UPLOADS.getByName(id);
const refusal = async (response: Response) => [response.status, await codeOf(response)];

type Call = "put" | "createMultipartUpload" | "uploadPart" | "complete";

/** Makes the first call of this kind to R2 fail, before or after it took effect. Returns how often it has failed. */
async function failing(id: MediaId, call: Call, when: "before" | "after") {
  vi.spyOn(console, "warn").mockReturnValue();
  vi.spyOn(console, "error").mockReturnValue();
  const failed = { times: 0 };
  const once = async <T>(name: Call, run: () => Promise<T>): Promise<T> => {
    const fails = name === call && failed.times === 0;
    if (fails) failed.times += 1;
    if (fails && when === "before") throw new Error("R2 is down (10001)");
    const done = await run();
    if (fails) throw new Error("R2 is down (10001)");
    return done;
  };
  const multipart = (upload: R2MultipartUpload) => ({
    uploadId: upload.uploadId,
    uploadPart: (number: number, bytes: Uint8Array) => once("uploadPart", () => upload.uploadPart(number, bytes)),
    complete: (parts: R2UploadedPart[]) => once("complete", () => upload.complete(parts)),
    abort: () => upload.abort(),
  });
  const bucket = {
    put: (...args: Parameters<R2Bucket["put"]>) => once("put", () => env.MEDIA.put(...args)),
    head: (key: string) => env.MEDIA.head(key),
    delete: (key: string) => env.MEDIA.delete(key),
    createMultipartUpload: async (...args: Parameters<R2Bucket["createMultipartUpload"]>) =>
      multipart(await once("createMultipartUpload", () => env.MEDIA.createMultipartUpload(...args))),
    resumeMultipartUpload: (...args: Parameters<R2Bucket["resumeMultipartUpload"]>) =>
      multipart(env.MEDIA.resumeMultipartUpload(...args)),
  };
  await runInDurableObject(actorOf(id), (instance) => {
    Object.assign(instance, { env: { ...env, MEDIA: bucket } });
  });
  return failed;
}

it.each([
  ["put", 1000],
  ["createMultipartUpload", PART_BYTES + 1000],
  ["uploadPart", PART_BYTES + 1000],
  ["complete", PART_BYTES + 1000],
] as const)("resumes after R2 has failed in %s, before or after the call took effect", async (call, bytes) => {
  for (const when of ["before", "after"] as const) {
    const client = await newClient();
    const file = fileOf(bytes, MP4);
    const id = await client.begun(bytes);
    const failed = await failing(id, call, when);

    expect(await refusal(await client.patch(id, 0, file))).toEqual([503, "unavailable"]);
    expect(failed.times).toBe(1);
    // No received byte is lost, and the client can finish the upload.
    await finished(client, id, file);
    expect(await storedDigest(id)).toBe(await digestOf(file));
    expect(await mediaRowOf(id)).toMatchObject({ state: "uploaded", type: "video/mp4" });
  }
});

/** Finishes an upload as any client would: asks for the offset, and sends the rest. */
async function finished(client: Client, id: MediaId, file: Uint8Array<ArrayBuffer>) {
  const offset = await client.offset(id);
  if (offset < file.length) expect((await client.patch(id, offset, file.slice(offset))).status).toBe(204);
}

it("completes the row on the next request if a crash came after the object was complete", async () => {
  const client = await newClient();
  const file = fileOf(1000);
  const id = await client.begun(1000);
  // The route crashes after the actor's response.
  const what = encodeURIComponent(JSON.stringify({ owner: client.person.id, offset: 0 }));
  const answer = await actorOf(id).fetch(`https://upload/?what=${what}`, { method: "PATCH", body: file });
  expect(await answer.json()).toMatchObject({ ok: true, stored: "image/png" });
  expect(await mediaRowOf(id)).toMatchObject({ state: "uploading" });
  await evictDurableObject(actorOf(id));

  expect(await client.offset(id)).toBe(1000);
  expect(await mediaRowOf(id)).toMatchObject({ state: "uploaded" });
});

it("keeps nothing once it is over", async () => {
  const client = await newClient();
  const id = await client.begun(1000);
  await client.patch(id, 0, fileOf(1000));
  await runInDurableObject(actorOf(id), async (_, { storage }) => {
    expect([...(await storage.list())]).toEqual([]);
    expect(await storage.getAlarm()).toBeNull();
  });
});

it("stores nothing for an id without an upload", async () => {
  const client = await newClient();
  const id = await client.begun(1000);
  await client.end(id);
  await client.head(id);
  await runInDurableObject(actorOf(id), (_, { storage }) => {
    expect([...storage.kv.list()]).toEqual([]);
  });
});

it("removes an upload 24 hours after its last byte, and not before", async () => {
  const client = await newClient();
  const file = fileOf(PART_BYTES + 1000, MP4);
  const id = await client.begun(file.length);
  const begun = Date.now();
  const at = (ms: number) => vi.useFakeTimers({ now: begun + ms, toFake: ["Date"] });
  at(STALLED_KEPT_FOR - 1000);
  await client.patch(id, 0, file.slice(0, PART_BYTES + 500));
  at(2 * STALLED_KEPT_FOR - 60_000);
  await runDurableObjectAlarm(actorOf(id));
  expect(await client.offset(id)).toBe(PART_BYTES + 500);

  at(2 * STALLED_KEPT_FOR);
  await runDurableObjectAlarm(actorOf(id));
  expect((await client.head(id)).status).toBe(404);
  expect(await mediaRowOf(id)).toBeNull();
  await runInDurableObject(actorOf(id), (_, { storage }) => {
    expect([...storage.kv.list()]).toEqual([]);
  });
});

it("does not remove an upload while bytes are being sent", async () => {
  const client = await newClient();
  const file = fileOf(1000);
  const id = await client.begun(file.length);
  const slow = client.patch(id, 0, bodyOf(file, { until: 100, hangs: true }));
  await scheduler.wait(100);
  vi.useFakeTimers({ now: Date.now() + STALLED_KEPT_FOR, toFake: ["Date"] });

  await runDurableObjectAlarm(actorOf(id));

  expect(await refusal(await slow)).toEqual([423, "upload_busy"]);
  expect(await client.offset(id)).toBe(100);
  const alarm = await runInDurableObject(actorOf(id), (_, { storage }) => storage.getAlarm());
  expect(alarm).toBeGreaterThan(Date.now() + STALLED_KEPT_FOR - 60_000);
});

it("removes an upload after its maximum lifetime, even with progress", async () => {
  const client = await newClient();
  const id = await client.begun(1000);
  const begun = Date.now();
  for (let day = 1; day < 8; day += 1) {
    vi.useFakeTimers({ now: begun + day * (STALLED_KEPT_FOR - 1000), toFake: ["Date"] });
    await client.patch(id, day - 1, fileOf(1000).slice(day - 1, day));
  }
  expect(Date.now() - begun).toBeGreaterThan(UPLOAD_LASTS);
  await runDurableObjectAlarm(actorOf(id));
  expect(await mediaRowOf(id)).toBeNull();
});

it("keeps a finished upload whose actor was never told of the end", async () => {
  const client = await newClient();
  const id = await client.begun(1000);
  const what = encodeURIComponent(JSON.stringify({ owner: client.person.id, offset: 0 }));
  await actorOf(id).fetch(`https://upload/?what=${what}`, { method: "PATCH", body: fileOf(1000) });
  await d1Of(env, id).prepare("UPDATE media SET state = 'uploaded' WHERE id = ?").bind(id).run();
  vi.useFakeTimers({ now: Date.now() + STALLED_KEPT_FOR + 1000, toFake: ["Date"] });

  await runDurableObjectAlarm(actorOf(id));

  expect(await mediaRowOf(id)).toMatchObject({ state: "uploaded" });
  expect(await env.MEDIA.head(originalKey(id))).not.toBeNull();
});

it("is removed completely by the sweep, which knows only its row", async () => {
  const client = await newClient();
  const file = fileOf(PART_BYTES + 1000, MP4);
  const id = await client.begun(file.length);
  await client.patch(id, 0, file.slice(0, PART_BYTES + 10));
  await discard(env, id);
  expect(await mediaRowOf(id)).toBeNull();
  expect((await client.head(id)).status).toBe(404);
});

it("gives up an upload whose parts R2 no longer has", async () => {
  const client = await newClient();
  const file = fileOf(2 * PART_BYTES, MP4);
  const id = await client.begun(file.length);
  await client.patch(id, 0, file.slice(0, PART_BYTES));
  const { multipart } = await runInDurableObject(
    actorOf(id),
    (_, { storage }) => storage.kv.get<{ multipart: string }>("upload") ?? { multipart: "" },
  );
  await env.MEDIA.resumeMultipartUpload(originalKey(id), multipart).abort();

  const answer = await client.patch(id, PART_BYTES, file.slice(PART_BYTES));
  expect(await refusal(answer)).toEqual([404, "media_not_found"]);
  expect(await mediaRowOf(id)).toBeNull();
});
