import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import { EPOCH, newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { byD1, d1Of, allD1, prepared } from "../../tests/runtime/stores/d1.ts";
import { metered } from "../../tests/runtime/stores/metered.ts";
import { newPerson } from "../../tests/runtime/world/posts.ts";
import { followAll, newReader } from "../../tests/runtime/world/readers.ts";
import { DORMANT_AFTER_DAYS, today } from "./dormant.ts";
import { ENTRIES_PER_AUTHOR, FEED_MAX } from "./feed-limit.ts";
import { readerFor } from "../../tests/runtime/world/reader.ts";
import { feedSkeleton, newest } from "./skeleton.ts";
import { newestPosts } from "./timelines.ts";

const DAY = 86_400_000;

const published: PostId[] = [];
/** Deletes these posts because no actor knows them, and other tests audit all posts against their actors. */
afterEach(async () => {
  for (const [database, posts] of byD1(env, published.splice(0), (post) => post)) {
    await database.batch(
      prepared(database, setBased("DELETE FROM posts WHERE id IN (SELECT value FROM json_each(?1))", posts)),
    );
  }
});

/**
 * Inserts rows into `posts` and returns their ids in the order of `times`. Ids of one test differ even at equal times.
 */
async function publish(author: PersonId, times: readonly number[]): Promise<PostId[]> {
  const ids = times.map((time, index) => newId<PostId>(shardOf(author), time, (published.length + index) % 1024));
  await d1Of(env, author)
    .prepare("INSERT INTO posts (id, author, caption, media, seq) SELECT value, ?, '', '[]', 1 FROM json_each(?)")
    .bind(author, JSON.stringify(ids))
    .run();
  published.push(...ids);
  return ids;
}

async function push(reader: PersonId, author: PersonId, posts: readonly PostId[]): Promise<void> {
  await d1Of(env, reader)
    .prepare(
      "INSERT INTO feed (reader, post, author) SELECT ?1, value, ?2 FROM json_each(?3) WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(reader, author, JSON.stringify(posts))
    .run();
}

/** Marks followed authors as large, so that `reader` finds their posts by merging them in at read. */
async function areLarge(reader: PersonId, authors: readonly PersonId[]): Promise<void> {
  await d1Of(env, reader)
    .prepare("UPDATE following SET merged = 1 WHERE follower = ?1 AND followee IN (SELECT value FROM json_each(?2))")
    .bind(reader, JSON.stringify(authors))
    .run();
}

async function followLarge(reader: PersonId, authors: readonly PersonId[]): Promise<void> {
  for (const author of authors) await followAll([reader], author);
  await areLarge(reader, authors);
}

const read = async (reader: PersonId, before?: PostId, limit = 1000): Promise<PostId[]> =>
  (await feedSkeleton(readerFor(), reader, { before, limit })).map(({ post }) => post);

const seenOf = (reader: PersonId) =>
  d1Of(env, reader)
    .prepare("SELECT seen_day AS day, rebuilding FROM people WHERE id = ?")
    .bind(reader)
    .first<{ day: number; rebuilding: number }>();

const newestFirst = (posts: readonly PostId[]): PostId[] => posts.toSorted().toReversed();

it("merges lists into the newest posts of all, each once", () => {
  const newestFirst = ["h", "g", "f", "e", "d", "c", "b", "a"];
  const list = fc.array(fc.constantFrom(...newestFirst), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(list, { maxLength: 4 }), fc.nat({ max: 10 }), (lists, limit) => {
      const all = newestFirst.filter((post) => lists.some((list) => list.includes(post)));
      expect(newest(limit, lists as PostId[][])).toEqual(all.slice(0, limit));
    }),
  );
});

it("pages through stored entries and posts of large authors without a gap or a repeat", async () => {
  const [reader, small, large, larger] = [await newReader(), newPerson(), newPerson(), newPerson()];
  await followLarge(reader, [large, larger]);
  const now = Date.now();
  const pushed = await publish(
    small,
    [1, 4, 5, 6, 20, 21].map((age) => now - age * 1000),
  );
  const both = await publish(
    large,
    [2, 3, 7, 8, 9, 30].map((age) => now - age * 1000),
  );
  const merged = await publish(
    larger,
    [0, 10, 11, 12, 40].map((age) => now - age * 1000),
  );
  await push(reader, small, pushed);
  await push(reader, large, both.slice(3)); // From before they were large.
  const all = newestFirst([...pushed, ...both, ...merged]);
  const [liked, unliked] = [both[0], pushed[1]];
  await d1Of(env, reader)
    .prepare("INSERT INTO likes (person, post, liked, seq) VALUES (?1, ?2, 1, 2), (?1, ?3, 0, 3)")
    .bind(reader, liked, unliked)
    .run();
  for (const limit of [1, 2, 3, 5, 100]) {
    const seen: Awaited<ReturnType<typeof feedSkeleton>> = [];
    for (let before: PostId | undefined; ;) {
      const page = await feedSkeleton(readerFor(), reader, { before, limit });
      seen.push(...page);
      before = page.at(-1)?.post;
      if (page.length < limit) break;
    }
    const followedAt: unknown = expect.any(String);
    expect(seen).toEqual(all.map((post) => ({ post, likedByMe: post === liked, followedAt })));
  }
});

it("costs one query, and more only for readers of large authors whose posts are on the page", async () => {
  const [reader, small] = [await newReader(), newPerson()];
  const follows = Array.from({ length: 200 }, newPerson);
  for (const author of follows) await followAll([reader], author);
  const now = Date.now();
  const times = (from: number) => Array.from({ length: 50 }, (_, age) => from - age * 1000);
  await push(reader, small, await publish(small, times(now)));
  const costs = async (limit: number) => {
    const { env: bindings, meter } = metered(env);
    await feedSkeleton(readerFor(undefined, { from: bindings }), reader, { before: undefined, limit: limit });
    return meter;
  };
  const alone = await costs(20);
  expect(alone).toMatchObject({ queries: 1, rowsWritten: 0 });
  expect(alone.rowsRead).toBeLessThan(20 * 4); // None for the 200 people they follow.

  const old = follows.slice(0, 3);
  await areLarge(reader, old);
  for (const author of old) await publish(author, times(now - DAY));
  const cold = await costs(20);
  expect(cold.queries).toBe(1 + new Set(old.map((author) => d1Of(env, author))).size);
  // Their timelines are cached now, and none of their posts is on the page.
  const unneeded = await costs(20);
  expect(unneeded.queries).toBe(1);
  expect(unneeded.rowsRead - alone.rowsRead).toBeLessThan(2 * 20); // One for each that might have been on it.
  const needed = await costs(60);
  expect(needed.queries).toBe(1); // It also asked for the likes of the expected posts.
});

it("notes once a day that the reader was seen", async () => {
  const reader = await newReader(3);
  const { env: bindings, meter } = metered(env);
  await feedSkeleton(readerFor(undefined, { from: bindings }), reader, { before: undefined, limit: 20 });
  expect(await seenOf(reader)).toEqual({ day: today(), rebuilding: 0 });
  expect(meter).toMatchObject({ queries: 2, rowsWritten: 1 });
  await feedSkeleton(readerFor(undefined, { from: bindings }), reader, { before: undefined, limit: 20 });
  expect(meter.queries).toBe(3);
});

/** Makes a reader who was away. `ages` holds, for each author they follow, the ages of that author's posts in days. */
async function awayReader(ages: readonly (readonly number[])[], daysAway = DORMANT_AFTER_DAYS) {
  const reader = await newReader(daysAway);
  const posts: PostId[] = [];
  const authors: PersonId[] = [];
  const now = Date.now();
  for (const days of ages) {
    const author = newPerson();
    authors.push(author);
    await followAll([reader], author);
    posts.push(
      ...(await publish(
        author,
        days.map((age) => now - Math.round(age * DAY)),
      )),
    );
  }
  return { reader, authors, posts };
}

it("rebuilds a dormant reader's feed on read, with exactly the newest posts of those they follow", async () => {
  const { reader, authors, posts } = await awayReader([[0, 40, 200], [6.9, 7, 7.1, 29], []]);
  const [large, former] = [newPerson(), newPerson()];
  await followLarge(reader, [large]);
  await followAll([reader], former);
  await d1Of(env, reader).prepare("UPDATE following SET active = 0 WHERE followee = ?").bind(former).run();
  await publish(former, [Date.now()]);
  const merged = await publish(large, [Date.now() - DAY]);
  const own = await publish(reader, [Date.now() - 2 * DAY]);
  await push(reader, reader, own);
  await push(reader, authors[0] as PersonId, posts.slice(2, 3)); // An entry from before they went dormant.

  expect(await read(reader)).toEqual(newestFirst([...posts, ...merged, ...own]));
  expect(await seenOf(reader)).toEqual({ day: today(), rebuilding: 0 });
  const rows = d1Of(env, reader).prepare("SELECT count(*) FROM feed WHERE reader = ?").bind(reader);
  expect(await rows.first("count(*)")).toBe(posts.length + own.length);
});

it("rebuilds at most FEED_MAX entries, and at most ENTRIES_PER_AUTHOR of one author", async () => {
  const ages = Array.from({ length: 260 }, (_, index) => index / 30);
  const { reader, posts } = await awayReader(Array.from({ length: 6 }, (_, by) => ages.map((age) => age + by / 1000)));
  const newestOfEach = Array.from({ length: 6 }, (_, by) => posts.slice(by * 260, by * 260 + ENTRIES_PER_AUTHOR));
  expect(await read(reader)).toEqual(newestFirst(newestOfEach.flat()).slice(0, FEED_MAX));
});

it("leaves no gap when several reads begin at once or a rebuild fails halfway", async () => {
  const { reader, posts } = await awayReader([[0, 1, 2], [100]]);
  const failing = failingOnce(d1Of(env, reader));
  await expect(
    feedSkeleton(readerFor(undefined, { from: failing }), reader, { before: undefined, limit: 10 }),
  ).rejects.toThrow("D1 is down");
  expect(await seenOf(reader)).toEqual({ day: today(), rebuilding: 1 }); // New posts are delivered again; the gap is on record.
  const feeds = await Promise.all([read(reader), read(reader), read(reader)]);
  for (const feed of feeds) expect(feed).toEqual(newestFirst(posts));
  expect(await seenOf(reader)).toEqual({ day: today(), rebuilding: 0 });
});

/** Returns `env` with a `database` whose first session at the primary fails: the one that fills the feed. */
function failingOnce(database: D1Database): Env {
  let sessions = 0;
  const failing = new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        const isFirst = name === "withSession" && args[0] === "first-primary" && (sessions += 1) === 1;
        return isFirst
          ? { prepare: target.prepare.bind(target), batch: () => Promise.reject(new Error("D1 is down")) }
          : Reflect.apply(value, target, args);
      };
    },
  });
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value === database ? failing : value]),
  ) as unknown as Env;
}

it("finds exactly the newest posts, however they spread over authors and time", async () => {
  const authors = Array.from({ length: 4 }, newPerson);
  const post = fc.tuple(fc.nat({ max: 3 }), fc.integer({ min: EPOCH, max: Date.now() }));
  const all: PostId[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(post, { maxLength: 10 }), fc.integer({ min: 1, max: 60 }), async (added, limit) => {
      for (const [index, author] of authors.entries()) {
        const times = added.filter(([by]) => by === index).map(([, time]) => time);
        all.push(...(await publish(author, times)));
      }
      const found = await newestPosts(env, authors, limit);
      expect(found.map(({ post }) => post)).toEqual(newestFirst(all).slice(0, limit));
      for (const { post, author } of found) expect(shardOf(post)).toBe(shardOf(author));
    }),
    { numRuns: 20 },
  );
});

it("finds the newest posts of thousands of people with a few queries", async () => {
  const authors = Array.from({ length: 5000 }, newPerson);
  const [one, other] = [authors[17], authors[4711]] as [PersonId, PersonId];
  const posts = [
    ...(await publish(one, [Date.now() - 300 * DAY, Date.now()])),
    ...(await publish(other, [Date.now() - 10 * DAY])),
  ];
  const { env: bindings, meter } = metered(env);
  const found = await newestPosts(bindings, authors, FEED_MAX);
  expect(found.map(({ post }) => post)).toEqual(newestFirst(posts));
  expect(meter.queries / allD1(env).length).toBeLessThanOrEqual(5);
  expect(meter.rowsRead).toBeLessThan(5 * 5000 * 2.5);
});
