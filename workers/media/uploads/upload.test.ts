import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { Media } from "../../../schema/api/media.ts";
import { type MediaId, newId, type PersonId, shardOf } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { requestAs, codeOf, effectOf, png, post, upload } from "../../../tests/runtime/media/media.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { fileOf } from "../../../tests/runtime/media/uploads.ts";
import { originalKey } from "../files/objects.ts";
import { UPLOAD_MAX_BYTES } from "./upload.ts";

const rowsOf = async (owner: PersonId) =>
  (await d1Of(env, owner).prepare("SELECT id FROM media WHERE owner = ?").bind(owner).all()).results;

it("stores a file, returns its location, and has it inspected", async () => {
  const person = newPerson();
  const file = await png(3, 2);

  const response = await upload(person, file);
  const media = await response.json<Media>();

  expect(response.status).toBe(201);
  expect(response.headers.get("location")).toBe(`/v1/media/${media.id}`);
  expect(media).toMatchObject({ state: "uploaded", contentType: "image/png", bytes: file.byteLength, alt: "" });
  expect(shardOf(media.id)).toBe(shardOf(person));
  const object = await env.MEDIA.get(originalKey(media.id));
  expect(object?.httpMetadata?.contentType).toBe("image/png");
  expect(await object?.arrayBuffer()).toEqual(file);
  expect(await effectOf(media.id)).toMatchObject({ kind: "inspect", media: media.id });
});

it("draws another id when the first is taken", async () => {
  const person = newPerson();
  const drawn = [5, 9, 5, 6, 9, 8]; // For a file and its effect; the same ids again; then others.
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    if (array instanceof Uint16Array) array[0] = drawn.shift() ?? 0;
    return array;
  });
  try {
    const made = [await upload(person, await png(1, 1)), await upload(person, await png(1, 1))];
    expect(made.map(({ status }) => status)).toEqual([201, 201]);
    expect(await rowsOf(person)).toHaveLength(2);
    expect(drawn).toEqual([]);
  } finally {
    vi.useRealTimers();
    vi.restoreAllMocks();
  }
});

it("accepts a file whose first bytes arrive one by one", async () => {
  const file = new Uint8Array(await png(40, 40));
  const slowly = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of file.subarray(0, 100)) controller.enqueue(new Uint8Array([byte]));
      controller.enqueue(file.subarray(100));
      controller.close();
    },
  });
  const response = await post(newPerson(), slowly, { "content-length": String(file.length) });
  const { id } = await response.json<Media>();
  expect(await (await env.MEDIA.get(originalKey(id)))?.arrayBuffer()).toEqual(file.buffer);
});

it("refuses uploads without a length, without bytes or with too many", async () => {
  const person = newPerson();
  const file = await png(1, 1);
  const answers = [
    await post(person, file),
    await post(person, file, { "content-length": "10 0" }),
    await post(person, file, { "content-length": "0" }),
    await post(person, file, { "content-length": String(UPLOAD_MAX_BYTES + 1) }),
    await post(person, "hello", { "content-length": "5" }),
    await post(undefined, file, { "content-length": String(file.byteLength) }),
  ];
  expect(await Promise.all(answers.map(async (answer) => [answer.status, await codeOf(answer)]))).toEqual([
    [411, "length_required"],
    [411, "length_required"],
    [422, "invalid_request"],
    [413, "too_large"],
    [415, "unsupported_type"],
    [401, "not_signed_in"],
  ]);
  expect(await rowsOf(person)).toEqual([]);
});

it("accepts short videos, and pictures that not every browser shows", async () => {
  const starts = {
    "video/mp4": "\0\0\0\x14ftypisom\0\0\0\0mp41",
    "video/quicktime": "\0\0\0\x14ftypqt  \0\0\0\0qt  ",
    "video/webm": "\x1a\x45\xdf\xa3\x93\x42\x82\x84webm\x42\x87\x81\x02",
    "image/heic": "\0\0\0\x14ftypheic\0\0\0\0mif1",
  };
  for (const [type, start] of Object.entries(starts)) {
    const media = await (await upload(newPerson(), fileOf(100, start).buffer)).json<Media>();
    expect(media).toMatchObject({ contentType: type, state: "uploaded" });
    const { video } = await effectOf(media.id);
    expect(video).toBe(type.startsWith("video/") || undefined);
  }
});

it("refuses forms and compressed bodies", async () => {
  const person = newPerson();
  const packed = new Blob([await png(9, 9)]).stream().pipeThrough(new CompressionStream("gzip"));
  const file = await new Response(packed).arrayBuffer();
  const form = "--x\r\ncontent-disposition: form-data; name=file\r\n\r\nx\r\n".repeat(10_000);
  const answers = [
    await post(person, file, { "content-length": String(file.byteLength), "content-encoding": "gzip" }),
    await post(person, file, { "content-length": String(file.byteLength) }),
    await post(person, form, {
      "content-length": String(form.length),
      "content-type": "multipart/form-data; boundary=x",
    }),
  ];
  for (const answer of answers) expect([answer.status, await codeOf(answer)]).toEqual([415, "unsupported_type"]);
  expect(await rowsOf(person)).toEqual([]);
});

it("leaves nothing of a body that differs from its stated length or breaks off", async () => {
  const person = newPerson();
  const file = await png(300, 300);
  const breaking = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(file).subarray(0, 200)),
    pull: (controller) => controller.error(new Error("connection lost")),
  });
  const before = (await env.MEDIA.list()).objects.length;

  const answers = [
    await post(person, file, { "content-length": String(file.byteLength + 1) }),
    await post(person, file, { "content-length": String(file.byteLength - 1) }),
    await post(person, breaking, { "content-length": String(file.byteLength) }),
  ];

  for (const answer of answers) expect([answer.status, await codeOf(answer)]).toEqual([422, "invalid_request"]);
  expect(await rowsOf(person)).toEqual([]);
  expect((await env.MEDIA.list()).objects).toHaveLength(before);
});

it("leaves nothing when the bucket fails", async () => {
  const person = newPerson();
  const file = await png(3, 3);
  const failing = { put: () => Promise.reject(new Error("R2 is down")), delete: () => Promise.resolve() };
  const bindings = { ...env, MEDIA: failing as unknown as R2Bucket };

  const answer = await post(person, file, { "content-length": String(file.byteLength) }, bindings);

  expect([answer.status, await codeOf(answer)]).toEqual([500, "internal"]);
  expect(await rowsOf(person)).toEqual([]);
});

it("leaves nothing of an upload that is discarded before its last byte arrives", async () => {
  const person = newPerson();
  const file = await png(3, 3);
  const database = d1Of(env, person);
  for (const given of ["DELETE FROM media WHERE owner = ?", "UPDATE media SET state = 'deleted' WHERE owner = ?"]) {
    let key = "";
    const late = {
      put: async (...args: Parameters<R2Bucket["put"]>) => {
        const object = await env.MEDIA.put(...args);
        [key] = args;
        await database.prepare(given).bind(person).run();
        return object;
      },
      delete: (keys: string | string[]) => env.MEDIA.delete(keys),
    };
    const bindings = { ...env, MEDIA: late as unknown as R2Bucket };

    const answer = await post(person, file, { "content-length": String(file.byteLength) }, bindings);

    expect([answer.status, await codeOf(answer)]).toEqual([422, "invalid_request"]);
    expect(key).not.toBe("");
    expect(await env.MEDIA.head(key)).toBeNull();
    expect(await rowsOf(person)).toEqual([]);
  }
});

it("gives up on a stalled bucket, and leaves the row to the sweep", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const person = newPerson();
  const file = await png(3, 3);
  const stalling = { put: () => new Promise(() => undefined) };
  const bindings = { ...env, MEDIA: stalling as unknown as R2Bucket };
  try {
    const state = { over: false };
    const answering = post(person, file, { "content-length": String(file.byteLength) }, bindings).finally(() => {
      state.over = true;
    });
    while (!state.over) {
      await scheduler.wait(1);
      await vi.advanceTimersByTimeAsync(1000);
    }
    const answer = await answering;
    expect([answer.status, await codeOf(answer)]).toEqual([503, "unavailable"]);
    expect(await rowsOf(person)).toHaveLength(1);
  } finally {
    vi.useRealTimers();
    vi.restoreAllMocks();
  }
});

it("shows an upload only to its owner", async () => {
  const [owner, other] = [newPerson(), newPerson()];
  const { id } = await (await upload(owner, await png(1, 1))).json<Media>();
  const edit = { method: "PATCH", body: `{"alt":"mine"}`, headers: { "content-type": "application/json" } };

  expect((await requestAs(owner, `/v1/media/${id}`)).status).toBe(200);
  for (const answer of [
    await requestAs(other, `/v1/media/${id}`),
    await requestAs(other, `/v1/media/${id}`, edit),
    await requestAs(owner, `/v1/media/${newId<MediaId>(shardOf(owner))}`),
  ]) {
    expect([answer.status, await codeOf(answer)]).toEqual([404, "media_not_found"]);
  }
  expect((await requestAs(undefined, `/v1/media/${id}`)).status).toBe(401);
  expect((await requestAs(owner, "/v1/media/nonsense")).status).toBe(422);
});

it("stores a description", async () => {
  const person = newPerson();
  const { id } = await (await upload(person, await png(1, 1))).json<Media>();
  const edit = { method: "PATCH", body: `{"alt":" A grey dot "}`, headers: { "content-type": "application/json" } };

  expect(await (await requestAs(person, `/v1/media/${id}`, edit)).json()).toMatchObject({ id, alt: "A grey dot" });
  expect(await (await requestAs(person, `/v1/media/${id}`)).json()).toMatchObject({ id, alt: "A grey dot" });
});
