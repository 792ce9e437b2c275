import { afterAll, beforeAll, expect, it } from "vitest";
import { type Api, listAll, ResponseError } from "../../scripts/api-client.ts";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import { eventually } from "./harness/eventually.ts";
import { fromPhone } from "./harness/phone-photograph.ts";
import { Product } from "./harness/product.ts";

const PASSWORD = "correct horse battery";
const CAMERA = "Phone 6";
/** The time limit for whatever follows a write, in ms. */
const SOON = 10_000;

let product: Product;
beforeAll(async () => {
  product = await Product.start();
});
afterAll(() => product.remove());

it("takes a photograph from one person's phone to another's feed, and likes and comments back", async () => {
  const hops: { hop: string; ms: number }[] = [];
  const hop = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    hops.push({ hop: name, ms: Math.round(performance.now() - started) });
    return result;
  };
  const signUp = async (handle: string): Promise<Api> =>
    product.api.as(await product.api.signUp({ handle, password: PASSWORD, name: handle.toUpperCase() }));

  const author = await hop("sign up", () => signUp("author"));
  const reader = await hop("sign up", () => signUp("reader"));
  await hop("follow", () => reader.follow("author"));
  await hop("follow is notified", () =>
    eventually(async () => {
      const { items } = await author.notifications();
      expect(items).toMatchObject([{ kind: "follow", actors: [{ handle: "reader" }], unread: true }]);
    }, SOON),
  );

  const { id } = await hop("upload", () => author.upload(fromPhone("french-alpine-landscape", CAMERA)));
  const media = await hop("inspection", () => author.untilInspected(id));
  // The file has 1024 x 484 pixels and an EXIF flag that turns it upright.
  expect(media).toMatchObject({ state: "ready", width: 484, height: 1024, details: { camera: CAMERA } });

  const post = await hop("publish", () =>
    author.publish({ caption: "The valley, upright", media: [{ id, alt: "Firs before snow" }] }),
  );
  expect(post).toMatchObject({
    caption: "The valley, upright",
    media: [{ id, alt: "Firs before snow", width: 484, height: 1024 }],
    likes: 0,
    comments: 0,
    likedByMe: false,
  });
  expect((await author.feed()).items).toMatchObject([{ id: post.id }]); // An author sees their own post at once.

  const url = post.media[0]?.urls?.w320;
  const rendition = await hop("first rendition", () => bytesOf(url));
  expect(rendition.headers.get("cache-control")).toContain("immutable");
  expect(rendition.headers.get("content-type")).toMatch(/^image\//);
  for (const trace of [CAMERA, "Exif\0\0", "EXIF", "http://ns.adobe.com/xap", "XMP "]) {
    expect(rendition.body.includes(trace), `the rendition has "${trace}" in it`).toBe(false);
  }
  await hop("same rendition again", () => bytesOf(url));

  await hop("delivery", () =>
    eventually(async () => expect((await reader.feed()).items).toMatchObject([{ id: post.id }]), SOON),
  );

  expect(await hop("like", () => reader.like(post.id))).toMatchObject({ liked: true, likes: 1 });
  expect(await hop("like again", () => reader.like(post.id))).toMatchObject({ liked: true, likes: 1 });
  const comment = await hop("comment", () => reader.comment(post.id, "Is that the Eiger?"));
  expect(comment).toMatchObject({ text: "Is that the Eiger?", author: { handle: "reader" } });

  await hop("projection", () =>
    eventually(async () => {
      expect(await reader.post(post.id)).toMatchObject({ likes: 1, comments: 1, likedByMe: true });
      expect(await author.post(post.id)).toMatchObject({ likes: 1, comments: 1, likedByMe: false });
    }, SOON),
  );
  expect((await author.comments(post.id)).items).toEqual([comment]);
  await hop("notification", () =>
    eventually(async () => {
      const { items, unread } = await author.notifications();
      expect(items.map(({ kind, count }) => `${kind} ${count}`).sort()).toEqual(["comment 1", "follow 1", "like 1"]);
      expect(unread).toBe(3);
      expect(items.find(({ kind }) => kind === "comment")).toMatchObject({
        post: { id: post.id },
        actors: [{ handle: "reader" }],
        excerpt: "Is that the Eiger?",
      });
    }, SOON),
  );

  expect(await hop("unlike", () => reader.unlike(post.id))).toMatchObject({ liked: false, likes: 0 });
  await hop("unlike is projected", () =>
    eventually(async () => {
      expect(await reader.post(post.id)).toMatchObject({ likes: 0, comments: 1, likedByMe: false });
    }, SOON),
  );

  const published = [post.id];
  for (const photograph of ["march-pastoral", "nagasaki-boats"] as const) {
    const { id } = await author.upload(readPhotograph(photograph));
    await author.untilInspected(id);
    published.unshift((await author.publish({ caption: photograph, media: [{ id }] })).id);
  }
  await hop("pages of the feed", () =>
    eventually(async () => {
      const first = await reader.feed({ limit: 2 });
      const second = await reader.feed({ limit: 2, cursor: first.next });
      expect(first.items.map(({ id }) => id)).toEqual(published.slice(0, 2));
      expect(second.items.map(({ id }) => id)).toEqual(published.slice(2));
      expect(second.next).toBeUndefined();
    }, SOON),
  );
  const profile = await hop("profile", () => listAll((page) => reader.postsOf("author", { ...page, limit: 1 })));
  expect(profile.map(({ id }) => id)).toEqual(published);
  expect(await reader.person("author")).toMatchObject({ posts: 3, followers: 1, followedByMe: true });

  await hop("sign out", () => reader.signOut());
  const refusal = await reader.me().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ResponseError);
  expect(refusal).toMatchObject({ status: 401, code: "not_signed_in" });

  expect(product.output).not.toContain("[error]");
  console.log(hops.map(({ hop, ms }) => `${String(ms).padStart(6)} ms  ${hop}`).join("\n"));
});

async function bytesOf(path: string | undefined) {
  const response = await fetch(product.address + path);
  expect(response.status).toBe(200);
  return { headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}
