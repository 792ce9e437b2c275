import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import { type Media, Variant } from "../../../schema/api/media.ts";
import { as, inspected, png } from "../../../tests/runtime/media.ts";
import { newPerson } from "../../../tests/runtime/posts.ts";
import { deleteObjects, originalKey } from "../objects.ts";
import { mediaUrls } from "./urls.ts";

let media: Media;
beforeAll(async () => {
  media = await inspected(newPerson(), await png(900, 600));
});

const get = (path: string, init?: RequestInit) => as(undefined, path, init);

it("serves every rendition, for a year and as nothing but a picture", async () => {
  for (const variant of Variant.options) {
    const response = await get(mediaUrls(media.id)[variant]);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "public, max-age=31536000, immutable",
      "content-security-policy": "default-src 'none'; sandbox",
      "content-type": "image/webp",
      "cross-origin-resource-policy": "cross-origin",
      "x-content-type-options": "nosniff",
      etag: expect.stringMatching(/^"\w+"$/) as string,
    });
    expect(response.headers.has("set-cookie")).toBe(false);
    expect((await response.arrayBuffer()).byteLength).toBe(Number(response.headers.get("content-length")));
  }
});

it("answers from the cache what it has read once, whatever the query", async () => {
  const gone = await inspected(newPerson(), await png(7, 7));
  const path = mediaUrls(gone.id).w320;
  const first = await (await get(path)).arrayBuffer();
  await deleteObjects(env, gone.id);
  const again = await get(`${path}?again`);
  expect(again.headers.get("x-content-type-options")).toBe("nosniff");
  expect(await again.arrayBuffer()).toEqual(first);
});

it("spares the bytes to whoever has them", async () => {
  const path = mediaUrls(media.id).w640;
  const etag = (await get(path)).headers.get("etag") ?? "";
  for (const held of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const response = await get(path, { headers: { "if-none-match": held } });
    expect(response.status, held).toBe(304);
    expect(response.headers.get("etag")).toBe(etag);
    expect(response.headers.get("cache-control")).toContain("immutable");
    expect(await response.text()).toBe("");
  }
  expect((await get(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
});

it("answers HEAD with the headers alone", async () => {
  const response = await get(mediaUrls(media.id).w320, { method: "HEAD" });
  expect(response.status).toBe(200);
  expect(Number(response.headers.get("content-length"))).toBeGreaterThan(0);
  expect(await response.text()).toBe("");
});

it("has nothing else: no original, no other width, no other method", async () => {
  for (const path of [
    `/media/${media.id}/original`,
    `/media/${media.id}/w2000`,
    `/media/${media.id}/..%2foriginal`,
    "/media/0000000000000/w320",
    "/media/..%2foriginals/w320",
  ]) {
    const response = await get(path);
    expect([response.status, response.headers.get("cache-control")], path).toEqual([404, "no-store"]);
  }
  expect((await get(`/media/${originalKey(media.id)}/w320`)).status).toBe(404);
  expect((await get(mediaUrls(media.id).w320, { method: "DELETE" })).status).toBe(404);
});
