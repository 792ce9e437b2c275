/** Where stored renditions are read from. */
import { createExecutionContext } from "cloudflare:test";
import { env, exports, withExports } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { type MediaId, newId, randomShard } from "../../../schema/ids.ts";
import { renditionKey } from "../files/objects.ts";
import { storeRendition } from "../pictures/renditions.ts";
import { dropCachedRenditions, type Stored, storedRendition } from "./stored.ts";

const BYTES = new Uint8Array(new TextEncoder().encode("a rendition")).buffer;

/** A context as in a deployment with Workers Cache. The runtime of tests has the entrypoint, and no cache before it. */
const tiered = () => Object.assign(createExecutionContext(), { cache: {} });

async function stored(): Promise<MediaId> {
  const id = newId<MediaId>(randomShard());
  await storeRendition(env, id, "w320", "webp", BYTES);
  return id;
}

/** Reads `w320` once, from no cache of the data centre. Returns what was read, and how many calls went through the tiers. */
async function read(id: MediaId, isPublic: boolean, context = tiered()) {
  await dropCachedRenditions(id);
  const { StoredMedia } = exports;
  const fetchTiers = vi.fn((url: string) => StoredMedia.fetch(url));
  const found = (await withExports({ StoredMedia: { fetch: fetchTiers } }, () =>
    storedRendition(env, context, { id, variant: "w320", format: "webp", isPublic }),
  )) as Stored | undefined;
  const text = found && (await new Response(found.body).text());
  return { text, bytes: found?.bytes, etag: found?.etag, calls: fetchTiers.mock.calls.length };
}

it("reads a public rendition through the tiers, as it is in the bucket", async () => {
  const id = await stored();
  const etag = (await env.MEDIA.head(renditionKey(id, "w320")))?.httpEtag;
  expect(await read(id, true)).toEqual({ text: "a rendition", bytes: 11, etag, calls: 1 });
});

it("keeps what is not public out of the tiers", async () => {
  expect(await read(await stored(), false)).toMatchObject({ text: "a rendition", calls: 0 });
});

it("reads the bucket itself where there are no tiers", async () => {
  const context = createExecutionContext() as ReturnType<typeof tiered>;
  expect(await read(await stored(), true, context)).toMatchObject({ text: "a rendition", calls: 0 });
});

it("finds nothing that is not stored, and lets no cache keep that", async () => {
  const id = newId<MediaId>(randomShard());
  expect(await read(id, true)).toMatchObject({ text: undefined, calls: 1 });
  const response = await exports.StoredMedia.fetch(`https://media.invalid/${renditionKey(id, "w320")}`);
  expect([response.status, response.headers.get("cache-control")]).toEqual([404, "no-store"]);
});

it("leads to no object but renditions", async () => {
  await env.MEDIA.put("originals/secret", "an original");
  const response = await exports.StoredMedia.fetch("https://media.invalid/originals/secret");
  expect(response.status).toBe(404);
});
