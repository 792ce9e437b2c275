import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { type Media, Variant } from "../../../schema/api/media.ts";
import { type MediaId, newId, type PersonId, type PostId, shardOf } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { requestAs, codeOf, inspected, jpeg, openSession, png } from "../../../tests/runtime/media/media.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { mp4 } from "../../../tests/runtime/media/video-files.ts";
import { inspectUploaded, uploadedVideo } from "../../../tests/runtime/media/videos.ts";
import { posterKey, renditionKey } from "../files/objects.ts";
import { makeRendition } from "../serving/on-demand.ts";
import { sizeOfRendition } from "../pictures/upright-size.ts";
import { POSTER_MAX_BYTES, setPoster } from "./poster.ts";

const PHONE = { orientation: 6, make: "Acme", model: "Phone", taken: "2026:05:01 12:30:59" };

const put = (person: PersonId | undefined, id: MediaId, body: BodyInit, length: number | string) =>
  requestAs(person, `/v1/media/${id}/poster`, { method: "PUT", body, headers: { "content-length": String(length) } });

const putPicture = (person: PersonId, id: MediaId, picture: ArrayBuffer) =>
  put(person, id, picture, picture.byteLength);
const read = async (owner: PersonId, id: MediaId) => (await requestAs(owner, `/v1/media/${id}`)).json<Media>();
const refusal = async (response: Response) => `${response.status} ${await codeOf(response)}`;

const publish = (id: MediaId) =>
  d1Of(env, id)
    .prepare("UPDATE media SET claimed_by = ? WHERE id = ?")
    .bind(newId<PostId>(shardOf(id)), id)
    .run();

const widthOf = async (id: MediaId, variant: Variant) => {
  const object = await env.MEDIA.get(renditionKey(id, variant));
  return object && sizeOfRendition(await object.arrayBuffer()).width;
};

it("stores a poster upright and in all sizes, before or after the video is inspected", async () => {
  const owner = newPerson();
  for (const early of [true, false]) {
    const id = await uploadedVideo(owner, await mp4());
    if (!early) await inspectUploaded(id);
    if (!early) expect(await read(owner, id)).not.toHaveProperty("urls");
    const response = await putPicture(owner, id, await jpeg(400, 200, PHONE));
    expect(response.status).toBe(200);
    if (early) await inspectUploaded(id);

    const media = await read(owner, id);
    expect(media).toMatchObject({ state: "ready", width: 64, details: { video: { durationMs: 300, audio: null } } });
    expect(media.details?.thumbhash).toMatch(/^[\w+/]{20,40}=*$/);
    expect(Object.keys(media.urls ?? {}).toSorted()).toEqual(Variant.options.toSorted());
    expect(await widthOf(id, "w640")).toBe(200);
  }
});

it("replaces a poster until the video is published", async () => {
  const owner = newPerson();
  const id = await uploadedVideo(owner, await mp4());
  await inspectUploaded(id);
  await putPicture(owner, id, await png(300, 200));
  await openSession(owner);
  const widthShown = async () => {
    const { urls } = await read(owner, id);
    return sizeOfRendition(await (await requestAs(undefined, urls?.w640 ?? "")).arrayBuffer()).width;
  };
  expect(await widthShown()).toBe(300);
  expect((await putPicture(owner, id, await png(500, 200))).status).toBe(200);
  expect(await widthShown()).toBe(500); // The cache does not serve the first poster.

  await publish(id);
  expect(await refusal(await putPicture(owner, id, await png(100, 100)))).toBe("409 already_published");
  expect(await widthOf(id, "w640")).toBe(500);
});

it("has no poster during a replacement, so a video published meanwhile shows none", async () => {
  const owner = newPerson();
  const id = await uploadedVideo(owner, await mp4());
  await inspectUploaded(id);
  await putPicture(owner, id, await png(300, 200));
  const publishing = new Proxy(env.MEDIA, {
    get: (bucket, name) => {
      const value: unknown = Reflect.get(bucket, name);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        if (name === "put" && args[0] === posterKey(id)) await publish(id);
        return Reflect.apply(value, bucket, args) as Promise<unknown>;
      };
    },
  });
  const replaced = setPoster({ ...env, MEDIA: publishing }, owner, id, new Uint8Array(await png(500, 200)));
  await expect(replaced).rejects.toMatchObject({ code: "already_published" });
  expect((await read(owner, id)).details).not.toHaveProperty("thumbhash");
});

it("counts a poster against the quota once, even if replaced, and refuses one that exceeds it", async () => {
  const owner = newPerson();
  const used = () =>
    d1Of(env, owner).prepare("SELECT media_bytes FROM people WHERE id = ?").bind(owner).first("media_bytes");
  await d1Of(env, owner).prepare("INSERT INTO people (id, handle, name) VALUES (?, ?, '')").bind(owner, owner).run();
  const video = await mp4();
  const id = await uploadedVideo(owner, video);
  const [small, large] = [await png(30, 20), await png(300, 200, undefined, (x, y) => (x * y * 7) & 255)];
  await putPicture(owner, id, large);
  await putPicture(owner, id, small);
  const { objects } = await env.MEDIA.list({ prefix: `renditions/${id}/` });
  const renditions = objects.reduce((sum, { size }) => sum + size, 0);
  expect(renditions).toBeGreaterThan(0);
  expect(await used()).toBe(video.byteLength + small.byteLength + renditions);

  const almostFull = { ...env, MEDIA_QUOTA_BYTES: String(video.byteLength + small.byteLength + renditions + 100) };
  await expect(setPoster(almostFull, owner, id, new Uint8Array(large))).rejects.toMatchObject({
    code: "quota_exceeded",
  });
  expect((await read(owner, id)).details?.thumbhash).toBeDefined();
});

it("refuses a picture that it cannot show, and then has no poster", async () => {
  const owner = newPerson();
  const id = await uploadedVideo(owner, await mp4());
  const whole = await png(300, 200);
  const refused = async (picture: ArrayBuffer) => refusal(await putPicture(owner, id, picture));
  expect(await refused(await png(1, 1, { width: 20_000, height: 10 }))).toBe("422 invalid_request");
  expect(await refused(whole.slice(0, whole.byteLength - 30))).toBe("422 invalid_request");
  expect(await refused((await mp4()).buffer)).toBe("415 unsupported_type");
  expect(await refused(await new Blob(["GIF89a a gif"]).arrayBuffer())).toBe("415 unsupported_type");
  expect((await read(owner, id)).details).toBeUndefined();
});

it("requires a length, and refuses a body that differs from it", async () => {
  const owner = newPerson();
  const id = await uploadedVideo(owner, await mp4());
  const picture = await png(3, 3);
  const answers = [
    await put(owner, id, picture, "many"),
    await put(owner, id, picture, POSTER_MAX_BYTES + 1),
    await put(owner, id, picture, picture.byteLength + 1),
    await put(owner, id, "", 0),
    await put(undefined, id, picture, picture.byteLength),
    await putPicture(newPerson(), id, picture),
    await putPicture(owner, newId<MediaId>(shardOf(owner)), picture),
  ];
  expect(await Promise.all(answers.map(refusal))).toEqual([
    "411 length_required",
    "413 too_large",
    "422 invalid_request",
    "422 invalid_request",
    "401 not_signed_in",
    "404 media_not_found",
    "404 media_not_found",
  ]);
  expect(await env.MEDIA.head(posterKey(id))).toBeNull();
});

it("refuses a poster for a picture, and for a rejected video", async () => {
  const owner = newPerson();
  const picture = await png(3, 3);
  const { id } = await inspected(owner, picture);
  expect(await refusal(await putPicture(owner, id, picture))).toBe("422 invalid_request");
  const broken = await uploadedVideo(owner, (await mp4()).slice(0, 100));
  await inspectUploaded(broken);
  expect(await refusal(await putPicture(owner, broken, picture))).toBe("409 media_not_ready");
});

it("leaves no objects of a video that is rejected while its poster is made", async () => {
  const owner = newPerson();
  const id = await uploadedVideo(owner, (await mp4()).slice(0, 100));
  const inspecting = new Proxy(env.MEDIA, {
    get: (bucket, name) => {
      const value: unknown = Reflect.get(bucket, name);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        if (name === "put" && args[0] === posterKey(id)) await inspectUploaded(id);
        return Reflect.apply(value, bucket, args) as Promise<unknown>;
      };
    },
  });
  const made = setPoster({ ...env, MEDIA: inspecting }, owner, id, new Uint8Array(await png(500, 200)));
  await expect(made).rejects.toMatchObject({ code: "media_not_ready" });
  expect(await env.MEDIA.head(posterKey(id))).toBeNull();
  expect(await widthOf(id, "w320")).toBeNull();
});

/** Returns an environment whose bucket runs `meanwhile` before an object is put at `key`. */
const bucketWhere = (key: string, meanwhile: () => Promise<unknown>): Env => ({
  ...env,
  MEDIA: new Proxy(env.MEDIA, {
    get: (bucket, name) => {
      const value: unknown = Reflect.get(bucket, name);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        if (name === "put" && args[0] === key) await meanwhile();
        return Reflect.apply(value, bucket, args) as Promise<unknown>;
      };
    },
  }),
});

it("discards a rendition that was being made from a replaced poster", async () => {
  const owner = newPerson();
  const id = await uploadedVideo(owner, await mp4());
  await inspectUploaded(id);
  await putPicture(owner, id, await png(300, 200));
  const later = await png(500, 200);
  const replacing = bucketWhere(renditionKey(id, "w640", "jpeg"), () => putPicture(owner, id, later));
  const background = createExecutionContext();
  await makeRendition(replacing, background, { id, isVideo: true, variant: "w640", format: "jpeg" });
  await waitOnExecutionContext(background);
  expect(await env.MEDIA.head(renditionKey(id, "w640", "jpeg"))).toBeNull();
  expect(await widthOf(id, "w640")).toBe(500);
  const counted = d1Of(env, id).prepare("SELECT on_demand ->> '$.\"w640.jpeg\"' FROM media WHERE id = ?").bind(id);
  expect((await counted.raw())[0]).toEqual([0]);
});

it("no longer counts what was made on demand of a poster that is replaced", async () => {
  const owner = newPerson();
  await d1Of(env, owner).prepare("INSERT INTO people (id, handle, name) VALUES (?, ?, '')").bind(owner, owner).run();
  await openSession(owner);
  const used = () =>
    d1Of(env, owner).prepare("SELECT media_bytes FROM people WHERE id = ?").bind(owner).first("media_bytes");
  const id = await uploadedVideo(owner, await mp4());
  await inspectUploaded(id);
  const poster = await png(300, 200);
  await putPicture(owner, id, poster);
  const before = await used();
  const { urls } = await read(owner, id);
  for (const variant of ["w320", "w1080", "w1600"] as const)
    expect((await requestAs(undefined, urls?.[variant] ?? "", { headers: { accept: "*/*" } })).status).toBe(200);
  expect(await used()).toBeGreaterThan(Number(before));
  await putPicture(owner, id, poster);
  expect(await used()).toBe(before);
});

it("leaves no objects of a video that is deleted while its poster is made", async () => {
  const owner = newPerson();
  const id = await uploadedVideo(owner, await mp4());
  const deleting = bucketWhere(posterKey(id), () =>
    d1Of(env, id).prepare("UPDATE media SET state = 'deleted' WHERE id = ?").bind(id).run(),
  );
  const made = setPoster(deleting, owner, id, new Uint8Array(await png(500, 200)));
  await expect(made).rejects.toMatchObject({ code: "media_not_found" });
  expect(await env.MEDIA.head(posterKey(id))).toBeNull();
  expect(await widthOf(id, "w320")).toBeNull();
});
