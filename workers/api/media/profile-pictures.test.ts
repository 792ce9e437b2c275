/** Profile pictures over the API: which files people may set, what everybody sees, and how a file is kept and released. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Media } from "../../../schema/api/media.ts";
import type { Me, PersonCard, Profile } from "../../../schema/api/people.ts";
import type { CommentPage, Post } from "../../../schema/api/posts.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { SQUARES, squareUrl } from "../../../schema/media/squares.ts";
import { inspected, png, upload } from "../../../tests/runtime/media/media.ts";
import { readyFile } from "../../../tests/runtime/media/served-media.ts";
import { recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { d1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { withFaults } from "../../../tests/runtime/stores/faults.ts";
import { comment, projectAll, publish, type Someone, succeed } from "../../../tests/runtime/world/api.ts";
import { ask, makePrivate, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { collectMedia } from "../../media/collect.ts";
import { renditionKey } from "../../media/files/objects.ts";
import * as renditions from "../../media/pictures/renditions.ts";

const DAY = 86_400_000;

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pictureOf = async ({ person }: Someone, width = 40, height = 20): Promise<MediaId> =>
  (await inspected(person.id, await png(width, height))).id;
const set = ({ token }: Someone, media: MediaId, bindings = env) =>
  ask("PUT", "/v1/me/picture", { token, body: { media }, env: bindings });
const remove = (by: Someone) => succeed("DELETE", "/v1/me/picture", by);
const served = (id: MediaId, accept = "image/webp") =>
  ask("GET", squareUrl(id, "s96"), { headers: { accept }, asAnybody: true });
const profileOf = async ({ person }: Someone) => (await ask("GET", `/v1/people/${person.handle}`)).json<Profile>();
const mediaOf = async (by: Someone, id: MediaId) => (await succeed("GET", `/v1/media/${id}`, by)).json<Media>();
const usedBy = async (by: Someone) =>
  (await (await succeed("GET", "/v1/me/media-quota", by)).json<{ used: number }>()).used;
const run = (by: Someone, sql: string, ...values: unknown[]) =>
  d1Of(env, by.person.id)
    .prepare(sql)
    .bind(...values)
    .run();
/** Lets this isolate forget what it has read. */
const passTime = (by = 60_000) => vi.useFakeTimers({ now: Date.now() + by, toFake: ["Date"] });
/** Sweeps until nothing is due, because other tests have left files too. */
async function sweep(at: number): Promise<void> {
  while ((await collectMedia(env, at)) > 0);
}

it("shows the picture in every card of its owner, and serves it to everybody as a square", async () => {
  const [owner, fan] = [await signUp(), await signUp()];
  const [{ id: post }, picture] = [await publish(owner), await pictureOf(owner)];
  await comment(owner, post, "Mine");
  await projectAll(queues, post);
  await succeed("PUT", `/v1/people/${owner.person.handle}/follow`, fan);
  expect(await (await set(owner, picture)).json()).toEqual({ media: picture });

  const card: PersonCard = { ...owner.person, picture };
  expect(await (await succeed("GET", "/v1/me", owner)).json<Me>()).toMatchObject(card);
  expect(await profileOf(owner)).toMatchObject(card);
  const read = async <T>(path: string) => (await succeed("GET", path, fan)).json<T>();
  expect((await read<Post>(`/v1/posts/${post}`)).author).toEqual(card);
  expect((await read<CommentPage>(`/v1/posts/${post}/comments`)).items[0]?.author).toEqual(card);
  const { items } = await read<{ items: PersonCard[] }>("/v1/people?limit=50");
  expect(items.find(({ id }) => id === owner.person.id)).toEqual(card);

  for (const square of SQUARES) {
    const response = await ask("GET", squareUrl(picture, square), { headers: { accept: "image/webp" } });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/webp"]);
    expect(response.headers.get("cache-control")).toBe("public, max-age=86400, immutable");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
  }
  expect((await served(picture, "*/*")).headers.get("content-type")).toBe("image/jpeg");
});

it("makes squares of 96 and 192 pixels, and enlarges nothing", async () => {
  const owner = await signUp();
  const sizeOf = async (id: MediaId, square: (typeof SQUARES)[number]) => {
    const made = await env.MEDIA.get(renditionKey(id, square));
    const info = await env.IMAGES.info(made?.body as ReadableStream<Uint8Array>);
    return "width" in info ? [info.width, info.height] : [];
  };
  const large = await pictureOf(owner, 700, 500);
  expect((await set(owner, large)).status).toBe(200);
  expect([await sizeOf(large, "s96"), await sizeOf(large, "s192")]).toEqual([
    [96, 96],
    [192, 192],
  ]);
  const small = await pictureOf(owner, 40, 20);
  await set(owner, small);
  expect(Math.max(...(await sizeOf(small, "s192")))).toBeLessThan(96);
});

it("serves nothing else of the file to others, and keeps the picture of a private account public", async () => {
  const owner = await signUp();
  const picture = await pictureOf(owner);
  expect(await outcome(await served(picture))).toBe("404 media_not_found");
  await set(owner, picture);
  await makePrivate(owner.person);
  passTime();
  expect((await served(picture)).status).toBe(200);
  for (const variant of ["w320", "w1080", "thumb", "video"])
    expect(await outcome(await ask("GET", `/media/${picture}/${variant}`))).toBe("404 media_not_found");
});

it("refuses what cannot be a profile picture, by name", async () => {
  const [owner, other] = [await signUp(), await signUp()];
  const answer = async (media: MediaId) => outcome(await set(owner, media));
  expect(await answer(await pictureOf(other))).toBe("404 media_not_found");
  expect(await answer(await readyFile(owner.person.id, { type: "video/mp4", isPublished: false }))).toBe(
    "422 not_a_picture",
  );
  const raw = await (await upload(owner.person.id, await png(3, 2))).json<Media>();
  expect(await answer(raw.id)).toBe("409 media_not_ready");
  const bad = await inspected(owner.person.id, await png(1, 1, { width: 20_000, height: 1 }));
  expect(await answer(bad.id)).toBe("409 media_not_ready");
  const { media } = await publish(owner);
  expect(await answer(media[0]?.id as MediaId)).toBe("409 already_published");
  const gone = await pictureOf(owner);
  await succeed("DELETE", `/v1/media/${gone}`, owner);
  expect(await answer(gone)).toBe("404 media_not_found");
  expect(await answer("nothing" as MediaId)).toBe("422 invalid_request");
  const mine = await pictureOf(owner);
  await run(owner, "UPDATE people SET suspended_until = ? WHERE id = ?", Date.now() + DAY, owner.person.id);
  passTime();
  expect(await answer(mine)).toBe("403 suspended");
  expect(await profileOf(owner)).not.toHaveProperty("picture");
});

it("keeps the file while it is the picture, and like an unpublished upload afterwards", async () => {
  const owner = await signUp();
  const [first, second] = [await pictureOf(owner), await pictureOf(owner)];
  await set(owner, first);
  expect(await mediaOf(owner, first)).not.toHaveProperty("keptUntil");
  expect(await outcome(await ask("DELETE", `/v1/media/${first}`, { token: owner.token }))).toBe("409 media_in_use");
  expect(await outcome(await ask("POST", "/v1/posts", { token: owner.token, body: { media: [{ id: first }] } }))).toBe(
    "409 media_in_use",
  );
  await sweep(Date.now() + 10 * DAY);
  expect((await served(first)).status).toBe(200);

  const third = await pictureOf(owner);
  await set(owner, third);
  expect(await mediaOf(owner, first)).toHaveProperty("keptUntil");
  expect((await profileOf(owner)).picture).toBe(third);
  expect(await outcome(await served(first))).toBe("404 media_not_found");
  await remove(owner);
  await remove(owner);
  expect(await profileOf(owner)).not.toHaveProperty("picture");
  expect(await outcome(await served(third))).toBe("404 media_not_found");
  await set(owner, first);
  await sweep(Date.now() + 2 * DAY);
  expect(await mediaOf(owner, first)).not.toHaveProperty("keptUntil");
  expect(await outcome(await ask("GET", `/v1/media/${third}`, { token: owner.token }))).toBe("404 media_not_found");
  expect(await outcome(await ask("GET", `/v1/media/${second}`, { token: owner.token }))).toBe("404 media_not_found");
  expect((await env.MEDIA.list({ prefix: `renditions/${third}` })).objects).toEqual([]);
});

it("makes and counts the squares once, however often a file is set", async () => {
  const owner = await signUp();
  const [picture, other] = [await pictureOf(owner), await pictureOf(owner)];
  const before = await usedBy(owner);
  const made = vi.spyOn(renditions, "storeSquares");
  await Promise.all([set(owner, picture), set(owner, picture)]);
  await set(owner, picture);
  const sizes = await Promise.all(
    SQUARES.map(async (square) => (await env.MEDIA.head(renditionKey(picture, square)))?.size),
  );
  const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  expect(bytes).toBeGreaterThan(0);
  expect(await usedBy(owner)).toBe(before + bytes);
  await set(owner, other);
  await set(owner, picture);
  const calls = made.mock.calls.length;
  const { queries, rowsWritten } = await d1Costs(() => set(owner, picture));
  expect(made.mock.calls.length).toBe(calls);
  // The session and the file, then a batch of three.
  expect([queries.length, rowsWritten]).toEqual([5, 1]);
});

it("leaves one picture in use, whatever is set and removed at the same time", async () => {
  const owner = await signUp();
  const files = await Promise.all([1, 2, 3, 4].map(() => pictureOf(owner)));
  for (let round = 0; round < 3; round += 1) {
    await Promise.all([
      ...files.map((file) => set(owner, file)),
      remove(owner),
      ...files.map((file) => set(owner, file)),
    ]);
    const { picture } = await profileOf(owner);
    const kept = await Promise.all(files.map(async (file) => "keptUntil" in (await mediaOf(owner, file))));
    expect(kept).toEqual(files.map((file) => file !== picture));
  }
});

it("never lets a file be both deleted and shown", async () => {
  const owner = await signUp();
  for (let round = 0; round < 4; round += 1) {
    const file = await pictureOf(owner);
    const [isSet, isDeleted] = await Promise.all([
      set(owner, file),
      ask("DELETE", `/v1/media/${file}`, { token: owner.token }),
    ]);
    expect(isSet.ok).not.toBe(isDeleted.ok);
    if (isSet.ok) expect((await served(file)).status).toBe(200);
    else expect((await env.MEDIA.list({ prefix: `renditions/${file}` })).objects).toEqual([]);
  }
});

it("is done again after its squares were stored and D1 failed", async () => {
  const owner = await signUp();
  const picture = await pictureOf(owner);
  const response = await set(owner, picture, withFaults(env, { writes: "throws" }).env);
  expect(await outcome(response)).toBe("503 unavailable");
  expect(await env.MEDIA.head(renditionKey(picture, "s192"))).not.toBeNull();
  expect(await outcome(await served(picture))).toBe("404 media_not_found");
  passTime(2000); // The absence is remembered for a second.
  expect((await set(owner, picture)).status).toBe(200);
  expect((await served(picture)).status).toBe(200);
});

it("says that it is unavailable while the encoder fails, and changes nothing", async () => {
  const owner = await signUp();
  const picture = await pictureOf(owner);
  const IMAGES = {
    input: () => {
      throw new Error("the encoder is down");
    },
  } as unknown as ImagesBinding;
  expect(await outcome(await set(owner, picture, { ...env, IMAGES }))).toBe("503 unavailable");
  expect(await profileOf(owner)).not.toHaveProperty("picture");
});

it("shows no picture whose file was erased, and takes another one", async () => {
  const owner = await signUp();
  const picture = await pictureOf(owner);
  await set(owner, picture);
  await run(owner, "DELETE FROM media WHERE id = ?", picture);
  passTime();
  expect(await outcome(await served(picture))).toBe("404 media_not_found");
  const next = await pictureOf(owner);
  expect((await set(owner, next)).status).toBe(200);
  expect((await served(next)).status).toBe(200);
});

it("costs a reader one query for a picture in ten seconds, and none in a card", async () => {
  const owner = await signUp();
  const { id: post } = await publish(owner);
  await projectAll(queues, post);
  const picture = await pictureOf(owner);
  const fan = await signUp();
  const read = () => succeed("GET", `/v1/posts/${post}`, fan);
  passTime();
  const without = await d1Costs(read);
  await set(owner, picture);
  passTime();
  expect((await d1Costs(read)).queries.length).toBe(without.queries.length);
  expect((await d1Costs(() => served(picture))).queries.length).toBe(1);
  expect((await d1Costs(() => served(picture))).queries.length).toBe(0);
});
