import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Media, Variant } from "../../../schema/api/media.ts";
import { MADE_AT_INSPECTION } from "../../../schema/media/renditions.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import {
  requestAs,
  effectOf,
  type Inspect,
  inspected,
  jpeg,
  joined,
  png,
  upload,
} from "../../../tests/runtime/media/media.ts";
import { mp4 } from "../../../tests/runtime/media/video-files.ts";
import { inspectUploaded, uploadedVideo } from "../../../tests/runtime/media/videos.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { inspectMedia } from "./inspect.ts";
import type { Original } from "../files/findings.ts";
import { inspectPicture } from "../pictures/picture.ts";
import { originalKey, renditionKey } from "../files/objects.ts";
import { sizeOfRendition, uprightSize } from "../pictures/upright-size.ts";

const PHONE = { orientation: 6, make: "Acme", model: "ACME Phone\u0007 5", taken: "2026:05:01 12:30:59" };

/** Uploads a file, and returns its pending inspection. */
async function uploaded(file: ArrayBuffer): Promise<{ person: ReturnType<typeof newPerson>; effect: Inspect }> {
  const person = newPerson();
  const { id } = await (await upload(person, file)).json<Media>();
  return { person, effect: await effectOf(id) };
}

const read = async (person: ReturnType<typeof newPerson>, { media }: Inspect) =>
  (await requestAs(person, `/v1/media/${media}`)).json<Media>();

const sizeOf = async (media: Pick<Media, "id">, variant: Variant) => {
  const object = await env.MEDIA.get(renditionKey(media.id, variant));
  return object && sizeOfRendition(await object.arrayBuffer());
};

const down = () => Promise.reject(Object.assign(new Error("no decoder"), { code: 9523 }));

it("makes upright renditions that are never larger than the picture", async () => {
  const media = await inspected(newPerson(), await jpeg(800, 400, PHONE));

  expect(media).toMatchObject({ state: "ready", width: 400, height: 800 });
  const signed = (variant: Variant) => expect.stringContaining(`/media/${media.id}/${variant}?for=`) as string;
  expect(media.urls).toEqual({
    ...Object.fromEntries(MADE_AT_INSPECTION.map((variant) => [variant, signed(variant)])),
    w1600: signed("w1080"), // They would be no wider, so they would only cost another encoding.
    w2048: signed("w1080"),
  });
  expect(await sizeOf(media, "w320")).toEqual({ width: 320, height: 640 });
  expect(await sizeOf(media, "w640")).toEqual({ width: 400, height: 800 });
  expect(await sizeOf(media, "w1080")).toEqual({ width: 400, height: 800 });
});

it("finds the size of a picture that is wider than every rendition", async () => {
  const [wide, tall] = [await png(2001, 1000), await jpeg(2001, 1200, PHONE)];
  expect(await inspected(newPerson(), wide)).toMatchObject({ width: 2001, height: 1000 });
  expect(await inspected(newPerson(), tall)).toMatchObject({ width: 1200, height: 2001 });
});

it("trusts the decoder for the size of a picture, and rejects a header that contradicts it", () => {
  const seen = { width: 1080, height: 540 };
  expect(uprightSize({ width: 100, height: 100 }, { width: 20, height: 10 }, false)).toEqual({ width: 20, height: 10 });
  expect(uprightSize({ width: 2000, height: 1000 }, seen, true)).toEqual({ width: 2000, height: 1000 });
  expect(() => uprightSize({ width: 2000, height: 2000 }, seen, false)).toThrow("corrupt");
});

it("lets EXIF decide the orientation of a nearly square picture", () => {
  const [stated, seen] = [
    { width: 4000, height: 3999 },
    { width: 1080, height: 1080 },
  ];
  expect(uprightSize(stated, seen, false)).toEqual(stated);
  expect(uprightSize(stated, seen, true)).toEqual({ width: 3999, height: 4000 });
});

it("finds the size of very long pictures, also where the decoder turns or crops them otherwise than their header says", () => {
  const [wide, tall] = [
    { width: 6000, height: 500 },
    { width: 500, height: 6000 },
  ];
  expect(uprightSize(wide, { width: 2366, height: 197 }, false)).toEqual(wide);
  expect(uprightSize(wide, { width: 493, height: 5916 }, true)).toEqual(tall);
  // Made for the stated size, and then again, by the same inspection or an earlier one, for the true one.
  expect(uprightSize(wide, { width: 493, height: 41 }, true)).toEqual(wide);
  expect(uprightSize(wide, { width: 2366, height: 197 }, true)).toEqual(wide);
  expect(uprightSize(wide, { width: 500, height: 6000 }, false)).toEqual(tall);
  expect(uprightSize(wide, { width: 493, height: 5916 }, false)).toEqual(tall);
  expect(uprightSize(wide, { width: 800, height: 500 }, false)).toEqual({ width: 800, height: 500 });
});

it("makes renditions anew for a very long picture that the decoder turns otherwise than its header says", async () => {
  const file = await jpeg(3000, 200, PHONE); // Its header says that it is turned.
  const { effect } = await uploaded(file);
  const unturned = await png(3000, 200);
  const IMAGES = { input: () => env.IMAGES.input(new Blob([unturned]).stream()) } as unknown as ImagesBinding;
  const original: Original = { id: effect.media, contentType: "image/jpeg", bytes: file.byteLength };
  // The second time, the renditions are there.
  for (let turn = 0; turn < 2; turn += 1)
    expect(await inspectPicture({ ...env, IMAGES }, original)).toMatchObject({ width: 3000, height: 200 });
  const media = { id: effect.media };
  expect(await sizeOf(media, "w320")).toEqual({ width: 784, height: 52 });
  expect(await sizeOf(media, "w1080")).toEqual({ width: 2645, height: 176 });
});

it("reports the camera and the time in printable text, but not the position", async () => {
  const media = await inspected(newPerson(), await jpeg(8, 8, PHONE));

  expect(media.details).toEqual({
    camera: "ACME Phone 5",
    takenAt: "2026-05-01T12:30:59",
    orientation: 6,
    removed: ["exif", "gps"],
    thumbhash: expect.stringMatching(/^[\w+/]{20,}=*$/) as string,
  });
});

it("finds a size after a megabyte of metadata", async () => {
  const file = new Uint8Array(await jpeg(30, 20, { ...PHONE, orientation: 1 }));
  const segment = new Uint8Array(65_535 + 2);
  segment.set([0xff, 0xe2, 0xff, 0xff]); // The longest possible segment; there are 16.
  const long = joined([file.subarray(0, 2), ...Array.from({ length: 16 }, () => segment), file.subarray(2)]);
  expect(await inspected(newPerson(), long)).toMatchObject({ state: "ready", width: 30, height: 20 });
});

it("rejects a bomb by its header, without decoding it", async () => {
  const bombs = [
    { width: 65_535, height: 65_535 },
    { width: 12_001, height: 1 },
    { width: 8_000, height: 6_251 },
  ];
  for (const stated of bombs) {
    const { person, effect } = await uploaded(await png(1, 1, stated));
    const IMAGES = { input: () => expect.unreachable() } as unknown as ImagesBinding;
    await inspectMedia({ ...env, IMAGES }, effect);
    expect((await read(person, effect)).rejection?.code).toBe("too_many_pixels");
  }
});

it("rejects a size of zero, and a truncated picture", async () => {
  const cutOff = (await png(1500, 1500)).slice(0, 200);
  const files = [await png(1, 1, { width: 0, height: 1 }), cutOff];
  const made = await Promise.all(files.map((file) => inspected(newPerson(), file)));
  expect(made.map(({ rejection }) => rejection?.code)).toEqual(["corrupt", "undecodable"]);
  expect(made[0]?.rejection?.detail).toMatch(/^The file is damaged/);
});

it("keeps no bytes of a rejected picture", async () => {
  const media = await inspected(newPerson(), await png(1, 1, { width: 0, height: 1 }));

  const keys = [originalKey(media.id), ...MADE_AT_INSPECTION.map((variant) => renditionKey(media.id, variant))];
  for (const key of keys) expect(await env.MEDIA.head(key), key).toBeNull();
  await expect(effectOf(media.id)).rejects.toThrow("no effect");
});

it("changes nothing when the message is delivered again", async () => {
  for (const file of [await png(5, 5), await png(1, 1, { width: 0, height: 1 })]) {
    const { person, effect } = await uploaded(file);
    await inspectMedia(env, effect);
    const before = [await read(person, effect), (await env.MEDIA.list()).objects.map(({ version }) => version)];
    await inspectMedia(env, effect);
    await Promise.all([inspectMedia(env, effect), inspectMedia(env, effect)]);
    expect([await read(person, effect), (await env.MEDIA.list()).objects.map(({ version }) => version)]).toEqual(
      before,
    );
  }
});

it("settles a file once when messages arrive together", async () => {
  const { person, effect } = await uploaded(await png(5, 5));
  await Promise.all([inspectMedia(env, effect), inspectMedia(env, effect), inspectMedia(env, effect)]);
  expect(await read(person, effect)).toMatchObject({ state: "ready", width: 5 });
  await expect(effectOf(effect.media)).rejects.toThrow("no effect");
});

it("does not reject a file while a store or the decoder is down, and finishes afterwards", async () => {
  const { person, effect } = await uploaded(await png(5, 5));
  const output = { transform: () => ({ output: down }), output: down };
  const IMAGES = { info: down, input: () => output } as unknown as ImagesBinding;
  const MEDIA = { get: () => Promise.reject(new Error("no bucket")) } as unknown as R2Bucket;
  // The header can be read, but streaming the file fails.
  const breaking = {
    head: env.MEDIA.head.bind(env.MEDIA),
    get: (key: string, options?: R2GetOptions) =>
      options
        ? env.MEDIA.get(key, options)
        : Promise.reject(Object.assign(new Error("bucket broke off"), { code: 10_001 })),
  } as unknown as R2Bucket;

  await expect(inspectMedia({ ...env, IMAGES }, effect)).rejects.toThrow("no decoder");
  await expect(inspectMedia({ ...env, MEDIA }, effect)).rejects.toThrow("no bucket");
  await expect(inspectMedia({ ...env, MEDIA: breaking }, effect)).rejects.toThrow("bucket broke off");
  expect((await read(person, effect)).state).toBe("uploaded");

  await inspectMedia(env, effect);
  expect((await read(person, effect)).state).toBe("ready");
});

it("follows the verdict of another inspection that is written first", async () => {
  const { person, effect } = await uploaded(await png(5, 5));
  const overtaken = {
    head: env.MEDIA.head.bind(env.MEDIA),
    get: env.MEDIA.get.bind(env.MEDIA),
    delete: env.MEDIA.delete.bind(env.MEDIA),
    put: async (key: string, value: ArrayBuffer) => {
      await d1Of(env, effect.media)
        .prepare("UPDATE media SET state = 'rejected', rejection = 'corrupt' WHERE id = ?")
        .bind(effect.media)
        .run();
      return env.MEDIA.put(key, value);
    },
  };

  await inspectMedia({ ...env, MEDIA: overtaken as unknown as R2Bucket }, effect);

  expect(await read(person, effect)).toMatchObject({ state: "rejected", rejection: { code: "corrupt" } });
  for (const variant of MADE_AT_INSPECTION)
    expect(await env.MEDIA.head(renditionKey(effect.media, variant))).toBeNull();
  await expect(effectOf(effect.media)).rejects.toThrow("no effect");
});

it("gives up on a picture after too many attempts", async () => {
  const { person, effect } = await uploaded(await png(5, 5));
  await d1Of(env, effect.id).prepare("UPDATE effects SET attempts = 7 WHERE id = ?").bind(effect.id).run();

  await inspectMedia(env, effect);

  expect((await read(person, effect)).rejection?.code).toBe("inspection_failed");
  expect(await env.MEDIA.head(originalKey(effect.media))).not.toBeNull(); // It may be inspected again.
});

it("forgets an effect whose upload is gone", async () => {
  const { effect } = await uploaded(await png(5, 5));
  await d1Of(env, effect.media).prepare("DELETE FROM media WHERE id = ?").bind(effect.media).run();
  await inspectMedia(env, effect);
  await expect(effectOf(effect.media)).rejects.toThrow("no effect");
  expect(await env.MEDIA.head(originalKey(effect.media))).toBeNull();
});

it("counts everything that is stored of a file against its owner's quota, and frees it with the file", async () => {
  const owner = newPerson();
  await d1Of(env, owner).prepare("INSERT INTO people (id, handle, name) VALUES (?, ?, '')").bind(owner, owner).run();
  const used = () =>
    d1Of(env, owner).prepare("SELECT media_bytes FROM people WHERE id = ?").bind(owner).first("media_bytes");
  const stored = async ({ id }: { id: string }) => {
    const lists = ["originals/", "renditions/", "posters/", "videos/"].map((prefix) => {
      return env.MEDIA.list({ prefix: `${prefix}${id}` });
    });
    return (await Promise.all(lists)).flatMap(({ objects }) => objects).reduce((sum, { size }) => sum + size, 0);
  };
  const picture = await inspected(owner, await jpeg(800, 400, PHONE));
  const pictureBytes = await stored(picture);
  expect(await used()).toBe(pictureBytes);
  const id = await uploadedVideo(owner, await mp4());
  await inspectUploaded(id);
  const videoBytes = await stored({ id });
  expect((await env.MEDIA.list({ prefix: `videos/${id}` })).objects).toHaveLength(1);
  expect(await used()).toBe(pictureBytes + videoBytes);
  await d1Of(env, owner).prepare("DELETE FROM media WHERE id = ?").bind(picture.id).run();
  expect(await used()).toBe(videoBytes);
});
