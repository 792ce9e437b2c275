import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import type { Media } from "../../../schema/api/media.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { codeOf, inspected, openSession, png, requestAs } from "../../../tests/runtime/media/media.ts";
import { MOVING } from "../../../tests/runtime/media/moving-bytes.ts";
import { claim, readyFile, readyVideo } from "../../../tests/runtime/media/served-media.ts";
import { makePrivate, signUp } from "../../../tests/runtime/world/people.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { deleteObjects, movingKey } from "../files/objects.ts";

const file = MOVING["image/gif"];
let media: Media;
beforeAll(async () => {
  media = await inspected(newPerson(), file.buffer);
  await claim(media.id);
});

const pathOf = ({ id }: Pick<Media, "id">) => `/media/${id}/moving`;
const get = (headers: Record<string, string> = {}, method = "GET") =>
  requestAs(undefined, pathOf(media), { method, headers });

it("serves a moving picture as a picture only, whole, and in one format to everybody", async () => {
  const response = await get({ range: "bytes=0-9", accept: "image/avif,image/webp" });
  expect([response.status, Object.fromEntries(response.headers)]).toEqual([
    200,
    {
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "Accept-Ranges, Content-Range, ETag",
      "cache-control": "public, max-age=86400, immutable",
      "content-length": String(file.length),
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
      "content-type": "image/gif",
      "cross-origin-resource-policy": "cross-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      etag: expect.stringMatching(/^"\w+"$/) as string,
    },
  ]);
  expect(await response.bytes()).toEqual(file);
});

it("responds with 304 to a client that has it, and to HEAD with the headers alone", async () => {
  const head = await get({}, "HEAD");
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, String(file.length), ""]);
  const known = await get({ "if-none-match": head.headers.get("etag") ?? "" });
  expect([known.status, await known.text()]).toEqual([304, ""]);
});

it("serves an unpublished or private one by signed URLs only", async () => {
  const { person } = await signUp();
  const owner = person.id;
  await openSession(owner);
  const mine = await inspected(owner, file.buffer);
  const signed = await requestAs(undefined, mine.moving?.url ?? "");
  expect([signed.status, signed.headers.get("cache-control")?.split(",")[0]]).toEqual([200, "private"]);
  expect(await signed.bytes()).toEqual(file);
  await expectGone(pathOf(mine));
  await claim(mine.id);
  await makePrivate(person);
  await expectGone(pathOf(mine));
  await expectGone(`${mine.moving?.url}x`);
  const stranger: PersonId = newPerson();
  await expectGone((mine.moving?.url ?? "").replace(owner, stranger));
});

it("has none for a still, for a video and for a file that is gone", async () => {
  const owner = newPerson();
  const still = await inspected(owner, await png(4, 3));
  const gone = await inspected(owner, file.buffer);
  await Promise.all([claim(still.id), claim(gone.id), deleteObjects(env, gone.id)]);
  for (const id of [still.id, gone.id, await readyVideo(owner)]) await expectGone(pathOf({ id }));
});

it("never serves it as another type", async () => {
  const id = await readyFile(newPerson());
  await env.MEDIA.put(movingKey(id), "<script>", { httpMetadata: { contentType: "text/html" } });
  const response = await requestAs(undefined, pathOf({ id }));
  expect([response.status, response.headers.get("content-type")]).toEqual([500, "application/problem+json"]);
});

async function expectGone(path: string): Promise<void> {
  const response = await requestAs(undefined, path);
  expect([response.status, await codeOf(response)]).toEqual([404, "media_not_found"]);
}
