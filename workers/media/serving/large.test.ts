/** Renditions wider than those of inspection: made once, on demand, and counted to their owner's quota. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Media, Variant } from "../../../schema/api/media.ts";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { withFaults } from "../../../tests/runtime/stores/faults.ts";
import { countingImages } from "../../../tests/runtime/media/images.ts";
import { inspected, jpeg, openSession, png, requestAs } from "../../../tests/runtime/media/media.ts";
import { claim } from "../../../tests/runtime/media/served-media.ts";
import { metered } from "../../../tests/runtime/stores/metered.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { mediaUrls } from "../../reads/media-urls.ts";
import { deleteFile } from "../collect.ts";
import { renditionKey, renditionName } from "../files/objects.ts";
import { sizeOfRendition } from "../pictures/upright-size.ts";
import { countRendition } from "./counted.ts";

const ACCEPT = { avif: "image/avif,image/webp", webp: "image/webp", jpeg: "*/*" };
const get = (id: MediaId, variant: Variant, accept: keyof typeof ACCEPT = "webp", bindings: Env = env) =>
  requestAs(undefined, `/media/${id}/${variant}`, { headers: { accept: ACCEPT[accept] } }, bindings);

const sizeIn = async (response: Response) => sizeOfRendition(await response.arrayBuffer());

/** Many shades, as in a photograph, so that an AVIF is smaller than the WebP. */
const SHADES = (x: number, y: number) => (x * y) & 255;

/** A person with a row, which counts the bytes of their files. */
async function newOwner(): Promise<PersonId> {
  const owner = newPerson();
  await d1Of(env, owner).prepare("INSERT INTO people (id, handle, name) VALUES (?1, ?1, '')").bind(owner).run();
  return owner;
}

async function published(owner: PersonId, file: ArrayBuffer): Promise<Media> {
  const media = await inspected(owner, file);
  await claim(media.id);
  return media;
}

const usedBy = (owner: PersonId) =>
  d1Of(env, owner).prepare("SELECT media_bytes FROM people WHERE id = ?").bind(owner).first<number>("media_bytes");

/** The size of everything in the bucket that is made of a file. */
const storedOf = async (id: MediaId) =>
  (await env.MEDIA.list({ prefix: `renditions/${id}/` })).objects.reduce((sum, { size }) => sum + size, 0);

it("makes one when it is first requested, however many ask at once", async () => {
  const { id } = await published(newPerson(), await png(2100, 1400));
  const { bindings, formats } = countingImages();
  const accepts = ["webp", "jpeg", "webp", "webp", "jpeg", "webp"] as const;
  const all = await Promise.all(accepts.map((accept) => get(id, "w1600", accept, bindings)));
  for (const response of all) expect(await sizeIn(response)).toEqual({ width: 1600, height: 1067 });
  expect(formats).toEqual(["image/webp", "image/jpeg"]);
  expect(await sizeIn(await get(id, "w2048", "webp", bindings))).toEqual({ width: 2048, height: 1365 });
  await get(id, "w2048", "webp", bindings);
  expect(formats).toHaveLength(3);
});

it("costs one query, two rows, one picture of Images, four reads and a write, and one read more as JPEG", async () => {
  const { id } = await published(await newOwner(), await png(1700, 900));
  await get(id, "w320"); // Now this isolate knows the file and its owner.
  const { env: counted, meter } = metered(env);
  const reads: string[] = [];
  const MEDIA = new Proxy(env.MEDIA, {
    get: (bucket, name) => {
      const value: unknown = Reflect.get(bucket, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        reads.push(String(name));
        return Reflect.apply(value, bucket, args) as unknown;
      };
    },
  });
  const { bindings, formats } = countingImages();
  const all: Env = { ...counted, MEDIA, IMAGES: bindings.IMAGES };
  await get(id, "w1600", "webp", all);
  expect(meter).toMatchObject({ queries: 1, rowsWritten: 2 });
  expect(reads).toEqual(["get", "get", "put", "head", "get"]);
  expect(formats).toEqual(["image/webp"]);

  await get(id, "w1600", "jpeg", all);
  expect(meter).toMatchObject({ queries: 2, rowsWritten: 4 });
  expect(reads.slice(5)).toEqual(["get", "get", "get", "put", "head", "get"]);
  expect(formats).toEqual(["image/webp", "image/jpeg"]);
});

it("serves it as JPEG like the others, and as AVIF up to 1200 pixels a side", async () => {
  const owner = newPerson();
  const [small, large] = [
    await published(owner, await png(1150, 300, undefined, SHADES)),
    await published(owner, await png(1700, 900)),
  ];
  const { bindings, formats } = countingImages();
  const typesOf = async ({ id }: Media) => {
    const types = [];
    for (const accept of ["jpeg", "avif", "avif", "avif"] as const)
      types.push((await get(id, "w1600", accept, bindings)).headers.get("content-type"));
    return types;
  };
  expect(await typesOf(large)).toEqual(["image/jpeg", "image/webp", "image/webp", "image/webp"]);
  expect(formats).toEqual(["image/webp", "image/jpeg"]);
  expect(await typesOf(small)).toEqual(["image/jpeg", "image/webp", "image/webp", "image/avif"]);
});

it("makes none that would be no wider than a smaller one, and names the smaller one instead", async () => {
  const [small, middling] = [await png(1000, 700), await png(1200, 700)];
  const { id, urls } = await published(newPerson(), small);
  const pathOf = (url = "") => new URL(url, "https://test").pathname;
  expect([urls?.w1600, urls?.w2048].map(pathOf)).toEqual([`/media/${id}/w1080`, `/media/${id}/w1080`]);
  const { bindings, calls } = countingImages();
  for (const variant of ["w1600", "w2048"] as const)
    expect((await sizeIn(await get(id, variant, "webp", bindings))).width).toBe(1000);
  expect(calls()).toBe(0);

  const other = await published(newPerson(), middling);
  expect(pathOf(other.urls?.w2048)).toBe(`/media/${other.id}/w1600`);
  for (const variant of ["w2048", "w1600", "w2048"] as const)
    expect((await sizeIn(await get(other.id, variant, "webp", bindings))).width).toBe(1200);
  expect(calls()).toBe(1);
});

it("serves one of an unpublished file to its owner alone", async () => {
  const owner = newPerson();
  await openSession(owner);
  const { id, urls } = await inspected(owner, await png(1700, 900));
  expect((await get(id, "w1600")).status).toBe(404);
  expect((await sizeIn(await requestAs(undefined, urls?.w1600 ?? ""))).width).toBe(1600);
});

it("serves the widest of inspection for a minute when it cannot be made, and the large one afterwards", async () => {
  const { id } = await published(newPerson(), await png(1700, 900));
  const down = () => Promise.reject(Object.assign(new Error("no encoder"), { code: 9523 }));
  const IMAGES = { input: () => ({ transform: () => ({ output: down }), output: down }) } as unknown as ImagesBinding;
  const response = await get(id, "w1600", "webp", { ...env, IMAGES });
  expect([response.status, response.headers.get("cache-control")]).toEqual([200, "public, max-age=60"]);
  expect((await sizeIn(response)).width).toBe(1080);
  expect((await get(id, "w2048")).headers.get("cache-control")).toMatch("immutable");
});

it("serves a smaller one, made before, while D1 takes no writes", async () => {
  const { id } = await published(newPerson(), await png(1700, 900));
  await get(id, "w320"); // Now this isolate knows the file and its owner.
  const { env: readOnly } = withFaults(env, { writes: "throws" });
  const response = await get(id, "w1600", "webp", readOnly);
  expect([response.status, response.headers.get("cache-control")]).toEqual([200, "public, max-age=60"]);
  expect((await sizeIn(response)).width).toBe(1080);
  expect(await env.MEDIA.head(renditionKey(id, "w1600"))).toBeNull();
});

describe("the quota", () => {
  it("counts each of them once, however often and by whomever it is made", async () => {
    const owner = await newOwner();
    const file = await png(1700, 900, undefined, SHADES);
    const { id } = await published(owner, file);
    const before = (await usedBy(owner)) ?? 0;
    expect(before).toBe(file.byteLength + (await storedOf(id)));
    for (const variant of ["w1600", "w2048", "w320"] as const)
      for (const accept of ["webp", "jpeg", "avif", "avif", "jpeg"] as const) await get(id, variant, accept);
    const after = (await usedBy(owner)) ?? 0;
    expect(after).toBeGreaterThan(before);
    expect(after).toBe(file.byteLength + (await storedOf(id)));
  });

  it("counts what is stored when another isolate is faster", async () => {
    const owner = await newOwner();
    const file = await png(1700, 900);
    const { id } = await published(owner, file);
    // It has counted before, and stores in the moment before this isolate would.
    await countRendition(env, id, renditionName("w1600", "webp"), 5000);
    const faster = (key: string) => env.MEDIA.put(key, new Uint8Array(5000));
    const MEDIA = new Proxy(env.MEDIA, {
      get: (bucket, name) => {
        if (name === "put")
          return (...[key, ...rest]: Parameters<R2Bucket["put"]>) => faster(key).then(() => bucket.put(key, ...rest));
        const value: unknown = Reflect.get(bucket, name);
        return typeof value === "function" ? (value.bind(bucket) as unknown) : value;
      },
    });
    await get(id, "w1600", "webp", { ...env, MEDIA });
    expect((await env.MEDIA.head(renditionKey(id, "w1600")))?.size).toBe(5000);
    expect(await usedBy(owner)).toBe(file.byteLength + (await storedOf(id)));
  });

  it("refuses none of them when it is full, and takes all of them back with the file", async () => {
    const owner = await newOwner();
    const { id } = await published(owner, await png(1700, 900));
    const full = { ...env, MEDIA_QUOTA_BYTES: "1" };
    for (const accept of ["webp", "jpeg"] as const)
      expect((await get(id, "w1600", accept, full)).headers.get("cache-control")).toMatch("immutable");
    expect(await usedBy(owner)).toBeGreaterThan(0);
    await deleteFile(env, id);
    expect(await usedBy(owner)).toBe(0);
    expect(await storedOf(id)).toBe(0);
  });

  it("counts nothing to a file that is deleted meanwhile, and stores nothing", async () => {
    const owner = await newOwner();
    const { id } = await published(owner, await png(1700, 900));
    await get(id, "w320"); // Now this isolate knows the file.
    await d1Of(env, id).prepare("DELETE FROM media WHERE id = ?").bind(id).run();
    const response = await get(id, "w1600");
    expect(response.headers.get("cache-control")).toBe("public, max-age=60");
    expect(await env.MEDIA.head(renditionKey(id, "w1600"))).toBeNull();
    expect(await usedBy(owner)).toBe(0);
  });
});

const TURNED = { orientation: 6, make: "Acme", model: "Phone", taken: "2026:05:01 12:30:59" };

it.each([
  ["a panorama", () => png(6000, 500), { width: 6000, height: 500 }, [701, 1402, 2366, 3505, 4487]],
  ["a comic strip", () => png(500, 6000), { width: 500, height: 6000 }, [146, 292, 493, 500, 500]],
  ["a turned panorama", () => jpeg(6000, 500, TURNED), { width: 500, height: 6000 }, [146, 292, 493, 500, 500]],
  ["a turned comic strip", () => jpeg(500, 6000, TURNED), { width: 6000, height: 500 }, [701, 1402, 2366, 3505, 4487]],
] as const)("keeps the area of %s in every format", async (_, file, size, widths) => {
  const media = await published(newPerson(), await file());
  expect(media).toMatchObject({ state: "ready", ...size });
  for (const [place, variant] of (["w320", "w640", "w1080", "w1600", "w2048"] as const).entries()) {
    const width = widths[place] ?? 0;
    for (const format of ["webp", "jpeg"] as const) {
      const seen = await sizeIn(await get(media.id, variant, format));
      expect(seen.width, `${variant} as ${format}`).toBe(width);
      expect(Math.abs(seen.height - (size.height * width) / size.width)).toBeLessThan(1);
    }
  }
  expect(mediaUrls(media.id, "", { ...size, isVideo: false }).w640).toBe(`/media/${media.id}/w640`);
});
