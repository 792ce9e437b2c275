import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import { type Media, Variant } from "../../../schema/api/media.ts";
import { requestAs, inspected, png } from "../../../tests/runtime/media/media.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { claim } from "../../../tests/runtime/media/served-media.ts";
import { deleteObjects, originalKey } from "../files/objects.ts";
import { mediaUrls } from "../../reads/media-urls.ts";

let media: Media;
beforeAll(async () => {
  media = await inspected(newPerson(), await png(900, 600));
  await claim(media.id);
});

const get = (path: string, { headers, ...init }: { method?: string; headers?: Record<string, string> } = {}) =>
  requestAs(undefined, path, { ...init, headers: { accept: "image/webp", ...headers } });

it("serves every rendition as a picture only, cacheable for a day", async () => {
  for (const variant of Variant.options) {
    const response = await get(mediaUrls(media.id)[variant]);
    const body = await response.bytes();
    expect([response.status, Object.fromEntries(response.headers)]).toEqual([
      200,
      {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "Accept-Ranges, Content-Range, ETag",
        "cache-control": "public, max-age=86400, immutable",
        "content-length": String(body.length),
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "content-type": "image/webp",
        "cross-origin-resource-policy": "cross-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        etag: expect.stringMatching(/^"\w+"$/) as string,
        vary: "Accept",
      },
    ]);
  }
});

it("serves a rendition from the cache after the first read, whatever the query", async () => {
  const other = await inspected(newPerson(), await png(7, 7));
  await claim(other.id);
  const path = mediaUrls(other.id).w320;
  const first = await (await get(path)).bytes();
  await deleteObjects(env, other.id);
  const again = await get(`${path}?again`);
  expect(again.headers.get("x-content-type-options")).toBe("nosniff");
  expect(await again.bytes()).toEqual(first);
});

it("responds with 304 to a client that has the bytes", async () => {
  const path = mediaUrls(media.id).w640;
  const etag = (await get(path)).headers.get("etag") ?? "";
  for (const held of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const response = await get(path, { headers: { "if-none-match": held } });
    expect(response.status, held).toBe(304);
    expect([response.headers.get("etag"), response.headers.get("vary")]).toEqual([etag, "Accept"]);
    expect(response.headers.get("cache-control")).toContain("immutable");
    expect(await response.text()).toBe("");
  }
  expect((await get(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
});

it("responds to HEAD with the headers only", async () => {
  const response = await get(mediaUrls(media.id).w320, { method: "HEAD" });
  expect(response.status).toBe(200);
  expect(Number(response.headers.get("content-length"))).toBeGreaterThan(0);
  expect(await response.text()).toBe("");
});

it("serves nothing else: no original, no other width, no other method", async () => {
  for (const path of [
    `/media/${media.id}/original`,
    `/media/${media.id}/w2000`,
    `/media/${media.id}/..%2foriginal`,
    "/media/0000000000000/w320",
    "/media/..%2foriginals/w320",
    `/media/${media.id}/video`,
    `/media/${originalKey(media.id)}/w320`,
    `/media/${media.id}/w320/`,
    `/media/${media.id}`,
    "/media/%E0%A4%/w320",
    `/media/${media.id}/%FF`,
    `/media/${media.id}%00/w320`,
  ]) {
    const response = await get(path);
    expect([response.status, response.headers.get("x-content-type-options")], path).toEqual([404, "nosniff"]);
    expect(response.headers.get("cache-control") ?? "no-store", path).toBe("no-store");
    expect(response.headers.get("vary"), path).toBe(path.endsWith("/video") ? null : "Accept");
  }
  expect((await get(mediaUrls(media.id).w320, { method: "DELETE" })).status).toBe(404);
});
