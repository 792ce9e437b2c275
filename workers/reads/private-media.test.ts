/** The URLs that responses give for the files of a post, and to whom. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Post, PostPage } from "../../schema/api/posts.ts";
import type { NotificationPage } from "../../schema/api/notifications.ts";
import { succeed, projectAll, publish, type Someone } from "../../tests/runtime/world/api.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { ask, makePrivate, signUp } from "../../tests/runtime/world/people.ts";
import { writeFollow } from "../../tests/runtime/world/posts.ts";
import { readyVideo } from "../../tests/runtime/media/served-media.ts";
import { fanOut } from "../feeds/fan-out.ts";

/** Longer than an isolate believes what it has read about a person, in ms. */
const FRESH_FOR = 1100;

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Ada, followed by Ben, with a post of one stored file. */
async function scene() {
  const [ada, ben] = [await signUp(), await signUp()];
  await writeFollow(ben.person.id, ada.person.id);
  const { id } = await publish(ada, { media: [{ id: await readyVideo(ada.person.id) }] });
  await projectAll(queues, id);
  await fanOut(env, { post: id, author: ada.person.id });
  const read = async (by?: Someone) =>
    (await ask("GET", `/v1/posts/${id}`, by ? { token: by.token } : { asAnybody: true })).json<Post>();
  return { ada, ben, id, read };
}

/** Returns the people for whom the URLs of a post were signed. */
const signedFor = ({ media }: Pick<Post, "media">) =>
  new Set(
    media.flatMap(({ urls }) =>
      Object.values(urls ?? {}).map((url) => new URL(url, "http://x").searchParams.get("for")),
    ),
  );

/** Whether a signed text is that of a file: others are signed for each response. */
const isOfMedia = (text: ArrayBuffer | ArrayBufferView): boolean =>
  /^\w{13} \w{13} /.test(new TextDecoder().decode(text));

const statusOf = async (url: string) => {
  const response = await ask("GET", url, { headers: { accept: "image/webp" } });
  await response.arrayBuffer();
  return response.status;
};

it("gives everybody the same unsigned URLs for a public author", async () => {
  const { ada, ben, read } = await scene();
  const sign = vi.spyOn(crypto.subtle, "sign");
  const signedMedia = () => sign.mock.calls.filter(([, , text]) => isOfMedia(text));
  for (const by of [undefined, ada, ben]) expect(signedFor(await read(by))).toEqual(new Set([null]));
  const feed = await (await ask("GET", "/v1/feed", { token: ben.token })).json<PostPage>();
  expect(feed.items.map(signedFor)).toEqual([new Set([null])]);
  expect(signedMedia()).toEqual([]);
});

it("gives each viewer of a private author their own signed URLs, which work while they may see the post", async () => {
  const { ada, ben, id, read } = await scene();
  await makePrivate(ada.person);
  vi.useFakeTimers({ now: Date.now() + FRESH_FOR, toFake: ["Date"] });
  for (const by of [ben, ada, ben]) expect(signedFor(await read(by))).toEqual(new Set([by.person.id]));
  const feed = await (await ask("GET", "/v1/feed", { token: ben.token })).json<PostPage>();
  expect(feed.items.map(signedFor)).toEqual([new Set([ben.person.id])]);

  const [shown] = feed.items[0]?.media ?? [];
  const url = shown?.urls?.w640 ?? "";
  expect([await statusOf(url), await statusOf(url.replace(/\?.*/, ""))]).toEqual([200, 404]);
  const edited = await (await succeed("PATCH", `/v1/posts/${id}`, ada, { caption: "Mine" })).json<Post>();
  expect(signedFor(edited)).toEqual(new Set([ada.person.id]));
  expect(signedFor(await publish(ada))).toEqual(new Set([ada.person.id]));
});

it("signs the picture of a notification for its recipient", async () => {
  const { ada, ben, id } = await scene();
  await makePrivate(ada.person);
  vi.useFakeTimers({ now: Date.now() + FRESH_FOR, toFake: ["Date"] });
  await succeed("PUT", `/v1/posts/${id}/like`, ben);
  await projectAll(queues, id);
  const { items } = await (await ask("GET", "/v1/notifications", { token: ada.token })).json<NotificationPage>();
  const thumbnails = items.flatMap((item) => ("post" in item ? [item.post.thumbnail] : []));
  expect(thumbnails).toEqual([expect.stringContaining(`/thumb?for=${ada.person.id}&`)]);
});

it("still shows a post when signing fails, and marks the response as stale", async () => {
  const { ada, ben, id, read } = await scene();
  await makePrivate(ada.person);
  vi.useFakeTimers({ now: Date.now() + FRESH_FOR, toFake: ["Date"] });
  const sign = crypto.subtle.sign.bind(crypto.subtle);
  const failing = vi.spyOn(crypto.subtle, "sign").mockImplementation(async (algorithm, key, text) => {
    if (isOfMedia(text)) throw new Error("no key");
    return sign(algorithm, key, text);
  });
  const response = await ask("GET", `/v1/posts/${id}`, { token: ben.token });
  expect([response.status, response.headers.get("cache-status")]).toEqual([200, "Shutterline; hit; detail=stale"]);
  expect(signedFor(await response.json<Post>())).toEqual(new Set([null]));
  failing.mockRestore();
  expect(signedFor(await read(ben))).toEqual(new Set([ben.person.id]));
});
