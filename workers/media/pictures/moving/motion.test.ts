import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { Media } from "../../../../schema/api/media.ts";
import { isMovingType } from "../../../../schema/media/media-types.ts";
import { effectOf, inspected, png, requestAs, upload } from "../../../../tests/runtime/media/media.ts";
import { MOVING, movingGif, movingPng, movingWebp } from "../../../../tests/runtime/media/moving-bytes.ts";
import {
  bytes,
  chunk,
  gifExtension,
  gifHead,
  gifFrame,
  GIF_END,
  riffChunk,
  tiff,
} from "../../../../tests/runtime/media/picture-bytes.ts";
import { d1Of } from "../../../../tests/runtime/stores/d1.ts";
import { newPerson } from "../../../../tests/runtime/world/posts.ts";
import { claimMedia } from "../../claims.ts";
import { deleteUpload } from "../../collect.ts";
import { movingKey, renditionKeys } from "../../files/objects.ts";
import { inspectMedia } from "../../inspection/inspect.ts";
import { newId, type PostId, shardOf } from "../../../../schema/ids.ts";
import { shownMedia } from "../../../reads/media-urls.ts";
import { FRAME_PIXELS_MAX } from "./motion.ts";

const SECRET = "taken at home";
const EXIF = tiff({ orientation: 1, make: SECRET, model: "Phone", taken: "2026:05:01 12:30:59" });
const DIRTY = {
  "image/gif": movingGif(3, () => gifExtension(0xfe, SECRET)),
  "image/png": movingPng(3, () => chunk("eXIf", EXIF)),
  "image/webp": movingWebp(3, (frame) => (frame === 2 ? riffChunk("EXIF", EXIF) : bytes()), 8),
};

const storedOf = async ({ id }: Media) => {
  const object = await env.MEDIA.get(movingKey(id));
  return object && { type: object.httpMetadata?.contentType, bytes: await object.bytes() };
};
const derivedBytesOf = ({ id }: Media) =>
  d1Of(env, id).prepare("SELECT derived_bytes AS bytes FROM media WHERE id = ?").bind(id).first<number>("bytes");

it.each(Object.entries(DIRTY))("keeps a picture moving as %s, without its metadata", async (type, file) => {
  const media = await inspected(newPerson(), file.buffer);
  expect(media).toMatchObject({
    state: "ready",
    details: { frames: 3, motion: "kept" },
    moving: { url: expect.stringMatching(`^/media/${media.id}/moving\\?`) as string, contentType: type, frames: 3 },
  });
  if (!isMovingType(type)) throw new Error(type);
  expect(await storedOf(media)).toEqual({ type, bytes: MOVING[type] });
  const renditions = await Promise.all(renditionKeys(media.id).map((key) => env.MEDIA.head(key)));
  const sizes = renditions.reduce((sum, object) => sum + (object?.size ?? 0), 0);
  expect(await derivedBytesOf(media)).toBe(sizes + MOVING[type].length);
});

it("keeps a long animation moving, which is copied in many chunks", async () => {
  // The decoder reads the first frame only, so the others need no sound data.
  const long = bytes(gifFrame.slice(0, -1), ...Array.from({ length: 20 }, () => bytes(250, new Uint8Array(250))), 0);
  const file = movingGif(450, (frame) => (frame === 0 ? bytes() : bytes(gifExtension(0xfe, SECRET), long)));
  const clean = movingGif(450, (frame) => (frame === 0 ? bytes() : long));
  expect(clean.length).toBeGreaterThan(2_000_000);
  const media = await inspected(newPerson(), file.buffer);
  expect(media).toMatchObject({ state: "ready", moving: { frames: 899 } });
  expect((await storedOf(media))?.bytes).toEqual(clean);
});

it("keeps the brightness of a moving PNG in HDR, and does not report it as removed", async () => {
  const pq = chunk("cICP", bytes(9, 16, 0, 1));
  const file = movingPng(3, (frame) => (frame === 0 ? pq : bytes()));
  const media = await inspected(newPerson(), file.buffer);
  expect(media.details).toMatchObject({ colorProfile: "BT.2100 PQ", motion: "kept", removed: [] });
  expect((await storedOf(media))?.bytes).toEqual(file);
});

it("publishes a moving picture with what a client needs to show it, and a still without", async () => {
  const owner = newPerson();
  const [moving, still] = [await inspected(owner, MOVING["image/gif"].buffer), await inspected(owner, await png(4, 3))];
  expect([still.moving, still.details?.motion]).toEqual([undefined, undefined]);
  const shown = (await claimMedia(env, owner, newId<PostId>(shardOf(owner)), [moving, still])).map((one) =>
    shownMedia(one),
  );
  expect(shown.map((one) => one.moving)).toEqual([
    { url: `/media/${moving.id}/moving`, contentType: "image/gif", frames: 3 },
    undefined,
  ]);
});

it("tells the owner why a picture does not move, and shows its first frame", async () => {
  const turned = tiff({ orientation: 8, make: SECRET, model: "Phone", taken: "2026:05:01 12:30:59" });
  const height = FRAME_PIXELS_MAX / 4000 + 1;
  const files = {
    too_many_frames: movingGif(1001),
    too_many_pixels: bytes(gifHead(4000, height), gifFrame, gifFrame, GIF_END),
    turned: movingPng(3, (frame) => (frame === 0 ? chunk("eXIf", turned) : bytes())),
  };
  for (const [motion, file] of Object.entries(files)) {
    const media = await inspected(newPerson(), file.buffer);
    expect(media).toMatchObject({ state: "ready", details: { motion }, urls: { w320: expect.any(String) as string } });
    expect([media.moving, await storedOf(media)]).toEqual([undefined, null]);
  }
});

it("rejects a picture that is damaged behind its first frame, and stores nothing of it", async () => {
  for (const file of Object.values(MOVING)) {
    const media = await inspected(newPerson(), file.slice(0, -20).buffer);
    expect(media).toMatchObject({ state: "rejected", rejection: { code: "corrupt", mayRetry: false } });
    expect(await storedOf(media)).toBeNull();
  }
});

it("deletes the moving picture with its file, and does not write it again when inspection is repeated", async () => {
  const owner = newPerson();
  const { id } = await (await upload(owner, MOVING["image/webp"].buffer)).json<Media>();
  const effect = await effectOf(id);
  await inspectMedia(env, effect);
  const first = await env.MEDIA.head(movingKey(id));
  await d1Of(env, id).prepare("UPDATE media SET state = 'uploaded' WHERE id = ?").bind(id).run();
  await inspectMedia(env, effect);
  const media = await (await requestAs(owner, `/v1/media/${id}`)).json<Media>();
  expect(media).toMatchObject({ state: "ready", moving: { frames: 3 } });
  expect((await env.MEDIA.head(movingKey(id)))?.version).toBe(first?.version);
  expect(await deleteUpload(env, owner, { id, state: "ready" })).toBe(true);
  expect(await env.MEDIA.list({ prefix: `renditions/${id}` })).toMatchObject({ objects: [] });
});

it("inspects again later when the bucket fails while the copy is stored", async () => {
  const owner = newPerson();
  const { id } = await (await upload(owner, MOVING["image/png"].buffer)).json<Media>();
  const effect = await effectOf(id);
  const put = env.MEDIA.put.bind(env.MEDIA);
  const failing = vi
    .spyOn(env.MEDIA, "put")
    .mockImplementation(((key: string, ...rest: [never, never]) =>
      key === movingKey(id) ? Promise.reject(new Error("R2 is down")) : put(key, ...rest)) as typeof put);
  await expect(inspectMedia(env, effect)).rejects.toThrow("R2 is down");
  failing.mockRestore();
  await inspectMedia(env, effect);
  expect((await env.MEDIA.get(movingKey(id)))?.size).toBe(MOVING["image/png"].length);
});
