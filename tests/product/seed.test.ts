import { afterAll, beforeAll, expect, it } from "vitest";
import { type Api, listAll } from "../../scripts/api-client.ts";
import { DEMO, PEOPLE, type Photograph, POSTS } from "../../scripts/seed/seed-data.ts";
import { seed } from "../../scripts/seed/seed.ts";
import { eventually } from "./harness/eventually.ts";
import { Product, runToEnd } from "./harness/product.ts";

const SOON = 10_000;

let product: Product;
beforeAll(async () => {
  product = await Product.start({ seed: true });
});
afterAll(() => product.remove());

const ada = async (): Promise<Api> => product.api.as(await product.api.signIn(DEMO.handle, DEMO.password));

/** Checks the feed and the inbox of the demo's own person. */
async function expectDemo(): Promise<void> {
  const api = await ada();
  const { follows = [], followsLater = [] } = PEOPLE.find(({ handle }) => handle === DEMO.handle) ?? {};
  const read = new Set([DEMO.handle, ...follows, ...followsLater]);
  await eventually(async () => {
    const feed = await listAll((page) => api.feed(page));
    const shown = feed.map(({ caption, likes, comments, media }) => [caption, likes, comments, media.length]);
    expect(shown.toReversed()).toEqual(
      POSTS.filter(({ author }) => read.has(author)).map(({ caption, likes, comments, photographs }) => [
        caption,
        likes.length,
        comments.length,
        photographs.length,
      ]),
    );
    const pictured = PEOPLE.filter(({ picture }) => picture).map(({ handle }) => handle);
    const shownWith = feed.flatMap(({ author }) => (author.picture ? [author.handle] : []));
    expect(new Set(shownWith)).toEqual(new Set(pictured));
    const { items, unread } = await api.notifications({ limit: 50 });
    expect(new Set(items.map(({ kind }) => kind))).toEqual(
      new Set(["like", "comment", "reply", "comment_like", "follow", "new_device"]),
    );
    expect(unread).toBe(items.length);
  }, SOON);
}

it("fills the feed and inbox of the demo's person", expectDemo);

it("adds nothing when run again, as after an interruption", async () => {
  await seed(product.address, () => undefined);
  await expectDemo();
});

it("shows every photograph once or twice, and names only people it creates", () => {
  const uses = new Map<Photograph, number>();
  for (const photograph of POSTS.flatMap(({ photographs }) => photographs)) {
    uses.set(photograph, (uses.get(photograph) ?? 0) + 1);
  }
  expect(uses.size).toBe(9);
  expect(Math.max(...uses.values())).toBe(2);
  const handles = new Set(PEOPLE.map(({ handle }) => handle));
  const named = [
    ...PEOPLE.flatMap(({ follows, followsLater }) => [...follows, ...followsLater]),
    ...POSTS.flatMap(({ author, likes, comments }) => [author, ...likes, ...comments.map(([by]) => by)]),
  ];
  expect(named.filter((handle) => !handles.has(handle))).toEqual([]);
});

it("leaves D1 equal to the actors, according to the reconcile command", async () => {
  await eventually(async () => {
    const { code, output } = await runToEnd("scripts/admin.ts", "reconcile", "--state", product.state);
    expect(output).toContain(`${POSTS.length} equal, 0 catching up, 0 different`);
    expect(code).toBe(0);
  }, SOON);
  expect(await runToEnd("scripts/admin.ts", "reconcile", "--state", "/nowhere")).toMatchObject({ code: 1 });
});
