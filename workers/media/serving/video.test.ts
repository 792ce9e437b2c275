import { env } from "cloudflare:workers";
import { beforeAll, expect, it, vi } from "vitest";
import type { MediaId } from "../../../schema/ids.ts";
import { requestAs, codeOf } from "../../../tests/runtime/media/media.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { readyVideo } from "../../../tests/runtime/media/served-media.ts";
import { deleteObjects, videoKey } from "../files/objects.ts";
import { videoUrl } from "../../reads/media-urls.ts";

const SIZE = 100_000;
const bytes = Uint8Array.from({ length: SIZE }, (_, index) => (index * 7) % 253);

let [video, etag]: [MediaId, string] = ["" as MediaId, ""];
beforeAll(async () => {
  video = await readyVideo(newPerson(), { bytes });
  etag = (await env.MEDIA.head(videoKey(video)))?.httpEtag ?? "";
});

const get = (headers: Record<string, string> = {}, method = "GET") =>
  requestAs(undefined, videoUrl(video), { method, headers });

it("serves a whole video, as a video only", async () => {
  const response = await get();
  expect([response.status, Object.fromEntries(response.headers)]).toEqual([
    200,
    {
      "accept-ranges": "bytes",
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "Accept-Ranges, Content-Range, ETag",
      "cache-control": "public, max-age=86400, immutable",
      "content-length": String(SIZE),
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
      "content-type": "video/mp4",
      "cross-origin-resource-policy": "cross-origin",
      etag,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  ]);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
});

const PART = `bytes 10-19/${SIZE}`;
const END = `bytes ${SIZE - 5}-${SIZE - 1}/${SIZE}`;
const NONE = `bytes */${SIZE}`;
const DATE = "Mon, 01 Jun 2026 00:00:00 GMT";

it.each([
  ["bytes=0-", {}, 206, `bytes 0-${SIZE - 1}/${SIZE}`],
  ["bytes=10-19", {}, 206, PART],
  ["bytes=-5", {}, 206, END],
  [`bytes=${SIZE - 5}-${SIZE * 9}`, {}, 206, END],
  ["bytes=-0", {}, 416, NONE],
  [`bytes=${SIZE}-`, {}, 416, NONE],
  ["bytes=5-2", {}, 200, null],
  ["bytes=abc", {}, 200, null],
  ["bytes=0-1,5-9", {}, 200, null],
  [`bytes=${"0-,".repeat(10_000)}0-`, {}, 200, null],
  ["bytes=10-19", { "if-range": "ETAG" }, 206, PART],
  ["bytes=10-19", { "if-range": '"other"' }, 200, null],
  ["bytes=10-19", { "if-range": "W/ETAG" }, 200, null],
  ["bytes=10-19", { "if-range": DATE }, 200, null],
  [`bytes=${SIZE}-`, { "if-range": '"other"' }, 200, null],
  ["bytes=10-19", { "if-none-match": "ETAG" }, 304, null],
  ["bytes=10-19", { "if-none-match": "W/ETAG" }, 304, null],
  ["bytes=10-19", { "if-none-match": '"other"' }, 206, PART],
])("responds to range %s with %o by %i, %s", async (range, conditions, status, contentRange) => {
  const filled = Object.entries(conditions).map(([name, value]) => [name, value.replace("ETAG", etag)] as const);
  const response = await get({ range, ...Object.fromEntries(filled) });
  expect([response.status, response.headers.get("content-range")]).toEqual([status, contentRange]);
  if (status === 416) expect(await codeOf(response)).toBe("range_not_satisfiable");
  if (status === 304) expect(await response.text()).toBe("");
  if (status !== 200 && status !== 206) return;
  const [, first, last] = /(\d+)-(\d+)/.exec(contentRange ?? `0-${SIZE - 1}`) ?? [];
  const body = new Uint8Array(await response.arrayBuffer());
  expect(body).toEqual(bytes.slice(Number(first), Number(last) + 1));
  expect(response.headers.get("content-length")).toBe(String(body.length));
});

it("responds to HEAD with the headers only, and reads nothing", async () => {
  const read = vi.spyOn(env.MEDIA, "get");
  const response = await get({ range: "bytes=0-1" }, "HEAD");
  expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([
    200,
    String(SIZE),
    "",
  ]);
  expect(response.headers.get("accept-ranges")).toBe("bytes");
  expect(read).not.toHaveBeenCalled();
  read.mockRestore();
});

it("looks up the length of a video once, and then reads only the requested ranges", async () => {
  const id = await readyVideo(newPerson());
  const [look, read] = [vi.spyOn(env.MEDIA, "head"), vi.spyOn(env.MEDIA, "get")];
  for (let turn = 0; turn < 3; turn += 1) await requestAs(undefined, videoUrl(id), { headers: { range: "bytes=0-9" } });
  expect([look.mock.calls.length, read.mock.calls.length]).toEqual([1, 3]);
  expect(read.mock.lastCall?.[1]).toMatchObject({ range: { offset: 0, length: 10 } });
  vi.restoreAllMocks();
});

it("responds with 404 once a video is gone", async () => {
  const id = await readyVideo(newPerson(), { contentType: "video/webm" });
  const first = await requestAs(undefined, videoUrl(id));
  expect([first.status, first.headers.get("content-type")]).toEqual([200, "video/webm"]);
  await first.arrayBuffer();
  await deleteObjects(env, id);
  for (let turn = 0; turn < 2; turn += 1) {
    const gone = await requestAs(undefined, videoUrl(id));
    expect([gone.status, await codeOf(gone)]).toEqual([404, "media_not_found"]);
  }
});

it("never serves a video as a type that is not a video", async () => {
  const id = await readyVideo(newPerson(), { contentType: "text/html" });
  const response = await requestAs(undefined, videoUrl(id));
  expect([response.status, response.headers.get("content-type")]).toEqual([500, "application/problem+json"]);
});
