/** Which format is served when, what making it costs, and that each shows the same picture, upright. */
import { env } from "cloudflare:workers";
import ExifReader from "exifreader";
import { decode } from "fast-png";
import { afterEach, expect, it, vi } from "vitest";
import type { Variant } from "../../../schema/api/media.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { MADE_AT_INSPECTION } from "../../../schema/media/renditions.ts";
import { countingImages } from "../../../tests/runtime/media/images.ts";
import { requestAs, codeOf, jpeg, png } from "../../../tests/runtime/media/media.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { colourIn, colourPng } from "../../../tests/runtime/media/colours.ts";
import { readyFile, readyPicture } from "../../../tests/runtime/media/served-media.ts";
import { type Format, originalKey, posterKey, renditionKey } from "../files/objects.ts";
import { makeRenditions, storeRenditions } from "../pictures/renditions.ts";
import { mediaUrls } from "../../reads/media-urls.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const ACCEPT = {
  avif: "image/avif,image/webp,image/apng,*/*;q=0.8",
  webp: "image/webp,*/*;q=0.8",
  jpeg: "*/*",
} as const;

/** Many shades, as in a photograph, so that the AVIF is smaller than the WebP. */
const SHADES = (x: number, y: number) => (x * y + 40 * Math.sin(x / 5) + 60 * Math.cos(y / 7)) & 255;
const photograph = () => png(64, 48, undefined, SHADES);

const get = (id: MediaId, accept: Format, variant: Variant = "w320", bindings: Env = env) =>
  requestAs(undefined, mediaUrls(id)[variant], { headers: { accept: ACCEPT[accept] } }, bindings);

const typeOf = async (response: Promise<Response>) => {
  const { status, headers } = await response;
  expect(headers.get("vary")).toBe("Accept");
  return `${status} ${headers.get("content-type")}`;
};
const [WEBP, JPEG] = ["200 image/webp", "200 image/jpeg"];

it("makes an AVIF on the second request, and serves WebP until then", async () => {
  const id = await readyPicture(newPerson(), await photograph());
  await storeRenditions(env, id, await makeRenditions(env, originalKey(id)));
  const { bindings, formats } = countingImages();
  expect(await typeOf(get(id, "avif", "w640", bindings))).toBe(WEBP);
  expect(formats).toEqual([]);
  expect(await typeOf(get(id, "avif", "w640", bindings))).toBe(WEBP);
  const [smaller, larger] = [await get(id, "avif", "w640", bindings), await get(id, "webp", "w640", bindings)];
  expect([smaller.headers.get("content-type"), larger.headers.get("content-type")]).toEqual([
    "image/avif",
    "image/webp",
  ]);
  expect(smaller.headers.get("etag")).not.toBe(larger.headers.get("etag"));
  expect((await smaller.bytes()).length).toBeLessThan((await larger.bytes()).length);
  expect(formats).toEqual(["image/avif"]);
});

it.each([
  ["1", ["webp", "avif", "avif", "avif"]],
  ["3", ["webp", "webp", "webp", "avif"]],
  ["off", ["webp", "webp", "webp", "webp"]],
  ["soon", ["webp", "webp", "avif", "avif"]],
  ["0", ["webp", "webp", "avif", "avif"]],
])("makes an AVIF from the request on that AVIF_FROM = %j names", async (AVIF_FROM, expected) => {
  const id = await readyPicture(newPerson(), await photograph());
  await storeRenditions(env, id, await makeRenditions(env, originalKey(id)));
  const served = [];
  for (let turn = 0; turn < 4; turn += 1)
    served.push((await get(id, "avif", "w320", { ...env, AVIF_FROM })).headers.get("content-type"));
  expect(served).toEqual(expected.map((format) => `image/${format}`));
});

it("no longer serves an AVIF that it has once AVIF is off", async () => {
  const id = await readyPicture(newPerson(), await photograph());
  for (let turn = 0; turn < 2; turn += 1) await get(id, "avif");
  expect((await get(id, "avif")).headers.get("content-type")).toBe("image/avif");
  expect(await typeOf(get(id, "avif", "w320", { ...env, AVIF_FROM: "off" }))).toBe(WEBP);
});

it("makes one JPEG for clients that take nothing else, however many ask at once", async () => {
  const id = await readyPicture(newPerson(), await photograph());
  await storeRenditions(env, id, await makeRenditions(env, originalKey(id)));
  const { bindings, formats } = countingImages();
  const all = await Promise.all(Array.from({ length: 8 }, () => get(id, "jpeg", "thumb", bindings)));
  expect(new Set(all.map(({ headers }) => headers.get("content-type")))).toEqual(new Set(["image/jpeg"]));
  expect(await typeOf(get(id, "jpeg", "thumb", bindings))).toBe(JPEG);
  expect(formats).toEqual(["image/jpeg"]);
});

it("makes the renditions that an older picture or a video's poster lacks", async () => {
  const picture = await readyPicture(newPerson(), await photograph());
  const video = await readyFile(newPerson(), { type: "video/mp4" });
  await env.MEDIA.put(posterKey(video), await photograph());
  for (const id of [picture, video]) {
    const { bindings, formats } = countingImages();
    expect(await typeOf(get(id, "webp", "thumb", bindings))).toBe(WEBP);
    expect(await typeOf(get(id, "jpeg", "w320", bindings))).toBe(JPEG);
    expect(await typeOf(get(id, "jpeg", "thumb", bindings))).toBe(JPEG);
    expect(formats).toEqual(["image/webp", "image/webp", "image/jpeg", "image/jpeg"]);
  }
});

it("does not serve an AVIF that is no smaller or cannot be made, and tries only once", async () => {
  const flat = await readyPicture(newPerson(), await png(4, 4));
  const broken = await readyPicture(newPerson(), await png(1, 1, { width: 0, height: 1 }));
  const renditions = await makeRenditions(env, originalKey(flat));
  for (const id of [flat, broken]) {
    await storeRenditions(env, id, renditions);
    const { bindings, formats } = countingImages();
    for (let turn = 0; turn < 4; turn += 1) expect(await typeOf(get(id, "avif", "w320", bindings))).toBe(WEBP);
    expect(formats.filter((format) => format === "image/avif")).toHaveLength(1);
    expect((await env.MEDIA.head(renditionKey(id, "w320", "avif")))?.size).toBe(0);
  }
});

it("reports a failing encoder as unavailable, does not retry for a minute, and succeeds afterwards", async () => {
  const id = await readyPicture(newPerson(), await photograph());
  const down = vi.fn(() => Promise.reject(Object.assign(new Error("no encoder"), { code: 9523, retryable: true })));
  const IMAGES = { input: () => ({ transform: () => ({ output: down }), output: down }) } as unknown as ImagesBinding;
  for (let turn = 0; turn < 3; turn += 1) {
    const response = await get(id, "webp", "w320", { ...env, IMAGES });
    expect([response.status, await codeOf(response)]).toEqual([503, "unavailable"]);
  }
  expect(down.mock.calls.length).toBe(2); // The picture, and a known good one.
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
  expect(await typeOf(get(id, "webp"))).toBe(WEBP);
});

it("responds with 503 while the bucket is down", async () => {
  const id = await readyPicture(newPerson(), await photograph());
  const get = () => Promise.reject(new Error("get: We encountered an internal error. Please try again. (10001)"));
  const response = await requestAs(
    undefined,
    mediaUrls(id).w320,
    {},
    { ...env, MEDIA: { get } as unknown as R2Bucket },
  );
  expect([response.status, await codeOf(response)]).toEqual([503, "unavailable"]);
});

it("leaves no rendition of a file that is deleted meanwhile, and makes none of a missing one", async () => {
  const id = await readyPicture(newPerson(), await photograph());
  const MEDIA = new Proxy(env.MEDIA, {
    get: (bucket, name) => {
      if (name === "put") return (...args: Parameters<R2Bucket["put"]>) => deleted().then(() => bucket.put(...args));
      const value: unknown = Reflect.get(bucket, name);
      return typeof value === "function" ? (value.bind(bucket) as unknown) : value;
    },
  });
  const deleted = () => env.MEDIA.delete(originalKey(id));
  for (let turn = 0; turn < 2; turn += 1) expect((await get(id, "webp", "w320", { ...env, MEDIA })).status).toBe(404);
  expect((await env.MEDIA.list({ prefix: `renditions/${id}/` })).objects).toEqual([]);
});

it("reuses stored renditions when an inspection is repeated", async () => {
  const id = await readyPicture(newPerson(), await photograph());
  const first = await makeRenditions(env, originalKey(id));
  await storeRenditions(env, id, first);
  const { bindings, calls } = countingImages();
  const again = await makeRenditions(bindings, originalKey(id));
  expect(calls()).toBe(0);
  for (const variant of MADE_AT_INSPECTION)
    expect(new Uint8Array(again[variant])).toEqual(new Uint8Array(first[variant]));
});

it.each([
  ["a transparent picture", [200, 100, 50, 0], [255, 255, 255]],
  ["a half transparent one", [200, 100, 50, 128], [227, 177, 152]],
  ["an opaque one", [200, 100, 50, 255], [200, 100, 50]],
] as const)("shows %s on white as JPEG, in every size", async (_, colour, expected) => {
  const id = await readyPicture(newPerson(), await colourPng(1100, 300, colour));
  await storeRenditions(env, id, await makeRenditions(env, originalKey(id)));
  const { bindings, formats } = countingImages();
  for (const variant of ["w320", "thumb", "w1080", "w1600"] as const) {
    const response = await get(id, "jpeg", variant, bindings);
    expect(response.headers.get("content-type")).toBe("image/jpeg");
    const seen = await colourIn(await response.arrayBuffer());
    for (const [channel, value] of expected.entries())
      expect(Math.abs((seen[channel] ?? 0) - value), `${variant}: ${seen.join()}`).toBeLessThan(8);
  }
  // An opaque picture costs nothing more.
  expect(formats.filter((format) => format === "image/png")).toHaveLength(expected[0] === 200 ? 0 : 4);
});

it("puts the smallest transparent picture on white", async () => {
  const id = await readyPicture(newPerson(), await colourPng(1, 1, [0, 0, 0, 0]));
  expect(await colourIn(await (await get(id, "jpeg")).arrayBuffer())).toEqual([255, 255, 255]);
});

const [WIDTH, HEIGHT] = [96, 64];
const STEP = 75;
/** Rough, so that AVIF is smaller; and each quarter has its own shade, so that every orientation looks different. */
const quarters = (x: number, y: number) =>
  (x < WIDTH / 2 ? 0 : STEP) + (y < HEIGHT / 2 ? 0 : 2 * STEP) + ((x * x + 7 * y * x) % 23);
/** Maps a pixel of the file to what is shown there, for EXIF orientations 1 to 8. */
const SEEN = [
  (x: number, y: number) => quarters(x, y),
  (x: number, y: number) => quarters(WIDTH - 1 - x, y),
  (x: number, y: number) => quarters(WIDTH - 1 - x, HEIGHT - 1 - y),
  (x: number, y: number) => quarters(x, HEIGHT - 1 - y),
  (x: number, y: number) => quarters(y, x),
  (x: number, y: number) => quarters(WIDTH - 1 - y, x),
  (x: number, y: number) => quarters(WIDTH - 1 - y, HEIGHT - 1 - x),
  (x: number, y: number) => quarters(y, HEIGHT - 1 - x),
];

it.each(SEEN.map((shade, index) => [index + 1, shade] as const))(
  "serves orientation %i upright in every format, without metadata",
  async (orientation, shade) => {
    const size = orientation < 5 ? ([WIDTH, HEIGHT] as const) : ([HEIGHT, WIDTH] as const);
    const exif = { orientation, make: "Acme", model: "(c) 2026", taken: "2026:05:01 12:30:59" };
    const id = await readyPicture(newPerson(), await jpeg(...size, exif, shade));
    for (const format of ["webp", "avif", "avif"] as const) await get(id, format); // Now both formats exist.
    for (const format of ["webp", "avif", "jpeg"] as const) {
      const response = await get(id, format);
      expect(response.headers.get("content-type")).toBe(`image/${format}`);
      const picture = await response.arrayBuffer();
      expect(new TextDecoder("latin1").decode(picture)).not.toMatch(/Exif\0|Acme|\(c\) 2026/);
      const { exif, gps, xmp, iptc } = ExifReader.load(picture, { expanded: true });
      expect([exif, gps, xmp, iptc]).toEqual([undefined, undefined, undefined, undefined]);
      expect(await seenIn(picture), format).toEqual({ width: WIDTH, height: HEIGHT, quarters: [0, 1, 2, 3] });
    }
  },
);

/** Returns the size of a picture, and the shades of its quarters. */
async function seenIn(picture: ArrayBuffer) {
  const made = await env.IMAGES.input(new Blob([picture]).stream()).output({ format: "image/png" });
  const { width, height, channels, data } = decode(await made.response().arrayBuffer());
  const shadeAround = (left: number, top: number) => {
    let sum = 0;
    for (let y = 0; y < 8; y += 1)
      for (let x = 0; x < 8; x += 1) sum += data[((top + y) * width + left + x) * channels] ?? 0;
    return Math.max(0, Math.round((sum / 64 - 11) / STEP));
  };
  const [left, right, top, bottom] = [width / 4, (width * 3) / 4, height / 4, (height * 3) / 4].map((at) => at - 4) as [
    number,
    number,
    number,
    number,
  ];
  const quarters = [
    shadeAround(left, top),
    shadeAround(right, top),
    shadeAround(left, bottom),
    shadeAround(right, bottom),
  ];
  return { width, height, quarters };
}
