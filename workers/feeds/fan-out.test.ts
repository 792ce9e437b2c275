import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { FanOut } from "../../schema/messages/facts.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { databaseOf, databases } from "../../schema/d1/shards.ts";
import { flush, recordQueues } from "../../tests/runtime/facts.ts";
import { type Faults, withFaults } from "../../tests/runtime/faults.ts";
import { metered } from "../../tests/runtime/metered.ts";
import { follows, publishedPost } from "../../tests/runtime/posts.ts";
import { followAll, newReader, newReaders, ringAll, toldOf } from "../../tests/runtime/readers.ts";
import { project } from "../projector/projector.ts";
import { readerFor } from "../../tests/runtime/reader.ts";
import { feedSkeleton } from "./skeleton.ts";
import { DORMANT_AFTER_DAYS } from "./dormant.ts";
import { fanOut, READERS_PER_MESSAGE } from "./fan-out.ts";
import { FEED_MAX } from "./feed-bound.ts";
import { drawn, TRIM_ONE_IN } from "../storage/trim-turns.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const feedOf = async (reader: PersonId): Promise<PostId[]> =>
  (await feedSkeleton(readerFor(), reader, { before: undefined, limit: 50 })).map(({ post }) => post);

/** How many feeds have the post. */
async function feedsWith(post: PostId): Promise<number> {
  const counts = databases(env).map((database) =>
    database.prepare("SELECT count(*) AS n FROM feed WHERE post = ?").bind(post).first<number>("n"),
  );
  return (await Promise.all(counts)).reduce<number>((sum, n) => sum + (n ?? 0), 0);
}

/** Delivers what is queued, and what that queues, until nothing is. */
async function deliverAll(): Promise<number> {
  let messages = 0;
  for (let message = queues.fanOuts.shift(); message; message = queues.fanOuts.shift()) {
    await fanOut(env, message);
    messages += 1;
  }
  return messages;
}

/** A post that is in D1, and the root of its fan-out. */
async function postToDeliver(author: PersonId) {
  const { post, actor } = await publishedPost(author);
  await flush(actor);
  await project(env, queues.facts.splice(0));
  const root: FanOut = { post: post.id, author };
  expect(queues.fanOuts.splice(0)).toEqual([root]);
  return { post: post.id, actor, root };
}

const isDelivered = async ({ actor }: Pick<Awaited<ReturnType<typeof postToDeliver>>, "actor">): Promise<boolean> =>
  (await actor.confirmDelivered(0)) === 0;

it("brings a post into every follower's feed once, and into nobody else's", async () => {
  const [author, ada, ben, stranger] = (await newReaders(4)) as [PersonId, PersonId, PersonId, PersonId];
  await followAll([ada, ben], author);
  const { post, root } = await postToDeliver(author);
  await fanOut(env, root);
  await fanOut(env, root); // The queue repeats it.
  expect(queues.fanOuts).toEqual([]);
  expect(await feedOf(ada)).toEqual([post]);
  expect(await feedOf(ben)).toEqual([post]);
  expect(await feedOf(stranger)).toEqual([]);
});

it("gives nothing to whoever has unfollowed in the meantime, even while the mirror still lists them", async () => {
  const [author, ada] = (await newReaders(2)) as [PersonId, PersonId];
  await follows(ada, author);
  await databaseOf(env, ada).prepare("UPDATE following SET active = 0, version = 2 WHERE follower = ?").bind(ada).run();
  const { root } = await postToDeliver(author);
  await fanOut(env, root);
  expect(await feedOf(ada)).toEqual([]);
});

it("writes nothing for who has not been there for long", async () => {
  const author = await newReader();
  const dormant = await newReader(DORMANT_AFTER_DAYS + 1);
  const almost = await newReader(DORMANT_AFTER_DAYS);
  await followAll([dormant, almost], author);
  const { post, root } = await postToDeliver(author);
  await fanOut(env, root);
  expect(await feedsWith(post)).toBe(2); // The author's own, and the other one's.
});

it("waits until the post is in D1, where a new follower's backfill looks for it", async () => {
  const { actor } = await publishedPost();
  await flush(actor);
  await expect(deliverAll()).rejects.toThrow("not in D1 yet");
});

it("stops when the post is gone", async () => {
  const author = await newReader();
  await followAll(await newReaders(READERS_PER_MESSAGE + 1), author);
  const { root, actor } = await postToDeliver(author);
  await fanOut(env, root);
  expect(queues.fanOuts).toHaveLength(2);
  await actor.remove(author);
  const [page] = queues.fanOuts.splice(0);
  if (page) await fanOut(env, { ...page, parts: { first: 0, end: 8 } });
  expect(queues.fanOuts).toEqual([]);
});

it("sends what is left when a message was lost, and is done only then", async () => {
  const author = await newReader();
  await followAll(await newReaders(READERS_PER_MESSAGE + 10), author);
  const { actor, post, root } = await postToDeliver(author);
  await fanOut(env, root);
  const [first, second] = queues.fanOuts.splice(0) as [FanOut, FanOut];
  await fanOut(env, first); // The queue forgets the second.
  expect(await isDelivered({ actor })).toBe(false);

  vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
  await flush(actor);
  vi.useRealTimers();
  expect(queues.fanOuts).toEqual([root]);
  await fanOut(env, root);
  expect(queues.fanOuts.slice(1)).toEqual([second]);
  await deliverAll();
  expect(await feedsWith(post)).toBe(READERS_PER_MESSAGE + 11);
  await flush(actor);
  expect(await flush(actor)).toBe(false); // Everything is confirmed.
});

it("is delivered exactly when everybody has it, whatever the queue does, and however roots split or authors turn", async () => {
  const FOLLOWERS = 2500;
  const author = await newReader();
  const readers = await newReaders(FOLLOWERS);
  await followAll(readers, author);
  const ringing = readers.filter((_, index) => index % 2 === 0); // More than a message serves.
  await ringAll(ringing, author);
  const fate = fc.record(
    { pick: fc.nat(), times: fc.constantFrom(0, 1, 1, 1, 2), late: fc.boolean() },
    { noNullPrototype: true },
  );
  // What the count of followers is at the moment of each root: as they come and go, it splits differently. Once the author
  // has turned, roots go to the bells alone.
  const moment = fc.constantFrom(900, 1500, FOLLOWERS, 9000, "merged" as const);
  const moments = fc.array(moment, { minLength: 1, maxLength: 3 });
  const set = (column: "followers" | "reach", value: number | string) =>
    databaseOf(env, author).prepare(`UPDATE people SET ${column} = ? WHERE id = ?`).bind(value, author).run();
  await fc.assert(
    fc.asyncProperty(moments, fc.array(fate, { maxLength: 12 }), async (moments, fates) => {
      await set("reach", "pushed");
      let isMerged = false;
      const { post, actor, root } = await postToDeliver(author);
      const check = async () => {
        const delivered = await isDelivered({ actor });
        if (delivered && !isMerged) expect(await feedsWith(post)).toBe(FOLLOWERS + 1);
        if (delivered) expect((await toldOf(post)).length).toBe(ringing.length);
        return delivered;
      };
      const beginAt = async (moment: number | "merged") => {
        isMerged ||= moment === "merged";
        await (moment === "merged" ? set("reach", "merged") : set("followers", moment));
        await fanOut(env, root);
      };
      for (const moment of moments) await beginAt(moment);
      for (const { pick, times, late } of fates) {
        const [message] = queues.fanOuts.splice(pick % Math.max(1, queues.fanOuts.length), 1);
        if (!message) break;
        for (let time = 0; time < times; time += 1) await fanOut(env, message);
        if (late) queues.fanOuts.push(message);
        await check();
      }
      // The actor hears nothing, and sends the root until it is told of everything.
      for (let tries = 0; !(await check()) && tries < 3; tries += 1) {
        await beginAt(FOLLOWERS);
        await deliverAll();
      }
      expect(await check()).toBe(true);
      expect((await toldOf(post)).toSorted()).toEqual(ringing.toSorted());
      queues.fanOuts.length = 0;
    }),
    { numRuns: 12 },
  );
}, 120_000);

it("sends pages to a queue of their own, so that a small author's post waits for none of them", async () => {
  const [large, small] = (await newReaders(2)) as [PersonId, PersonId];
  const followers = await newReaders(2 * READERS_PER_MESSAGE);
  await followAll(followers, large);
  await followAll(followers.slice(0, 10), small);
  const [first, second] = [await postToDeliver(large), await postToDeliver(small)];
  queues.sendFanOut.mockClear();
  await fanOut(env, first.root);
  await fanOut(env, second.root);
  expect([await isDelivered(first), await isDelivered(second)]).toEqual([false, true]);
  await deliverAll();
  expect([await isDelivered(first), await feedsWith(first.post)]).toEqual([true, followers.length + 1]);
  expect(queues.sendFanOut).not.toHaveBeenCalled(); // That queue has roots alone.
});

it("lets the pages of authors take turns, so that nobody waits for all of another's", async () => {
  const large = await newReader();
  const followers = await newReaders(5 * READERS_PER_MESSAGE);
  await followAll(followers, large);
  const middle = await newReader();
  await followAll(followers.slice(0, READERS_PER_MESSAGE + 10), middle);
  const [first, second] = [await postToDeliver(large), await postToDeliver(middle)];
  // First in, first out, and the large author's root was served before.
  await fanOut(env, first.root);
  await fanOut(env, second.root);
  const handled: FanOut[] = [];
  for (let message = queues.fanOuts.shift(); message; message = queues.fanOuts.shift()) {
    await fanOut(env, message);
    handled.push(message);
  }
  const last = handled.findLastIndex(({ post }) => post === second.post);
  expect(last).toBe(5 + 1);
  expect(handled.length).toBeGreaterThan(last + 1);
  expect([await isDelivered(first), await isDelivered(second)]).toEqual([true, true]);
});

const hasTwoDatabases = databases(env).length > 1;

it.runIf(hasTwoDatabases).each(["throws", "hangs"] as const)(
  "writes to each database whatever another one does, and what is missing when that is back: it %s",
  async (fault) => {
    const author = await newReader();
    const readers = await newReaders(100);
    const [home, away] = [databaseOf(env, author), databases(env).find((one) => one !== databaseOf(env, author))];
    await followAll(readers, author);
    await ringAll(readers, author);
    const { post, root, actor } = await postToDeliver(author);
    const faults: Faults = { writes: fault };
    const faulty = withFaults(env, faults).env;
    const world = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value === away ? faulty[name as "DB"] : value]),
    ) as Env;
    const atHome = readers.filter((reader) => databaseOf(env, reader) === home);
    const served = fanOut(world, root).then(
      () => "served",
      () => "failed",
    );
    await vi.waitFor(async () => expect((await toldOf(post)).toSorted()).toEqual(atHome.toSorted()));
    expect(await served).toBe("failed"); // So the queue repeats it.
    expect(await feedsWith(post)).toBe(atHome.length + 1);
    expect(await isDelivered({ actor })).toBe(false);

    delete faults.writes;
    await fanOut(world, root);
    expect((await toldOf(post)).toSorted()).toEqual(readers.toSorted());
    expect(await feedsWith(post)).toBe(readers.length + 1);
    expect(await isDelivered({ actor })).toBe(true);
  },
);

it.runIf(hasTwoDatabases)("lets no range of more than one page reach from one database into the next", async () => {
  const author = await newReader();
  await followAll(await newReaders(READERS_PER_MESSAGE + 10), author);
  const { root } = await postToDeliver(author);
  // Three pages, whose ranges would part elsewhere.
  await databaseOf(env, author).prepare("UPDATE people SET followers = 2500 WHERE id = ?").bind(author).run();
  await fanOut(env, root);
  expect(queues.fanOuts.map(({ parts }) => [parts?.first, parts?.end])).toEqual([
    [0, 2],
    [2, 4],
    [4, 5],
    [5, 8],
  ]);
  await deliverAll();
});

it("costs what is said", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.99); // Ids are random by themselves.
  const author = await newReader();
  await followAll(await newReaders(READERS_PER_MESSAGE), author);
  const { root } = await postToDeliver(author);
  const { env: bindings, meter } = metered(env);
  await fanOut(bindings, root);
  expect(meter.queries).toBe(2 + databases(env).length);
  expect(meter.rowsWritten).toBe(READERS_PER_MESSAGE);
  // The follower, their place in the list, their follow, when they were there, and a look for the entry itself.
  expect(meter.rowsRead / READERS_PER_MESSAGE).toBeLessThan(5.5);
  await fanOut(bindings, root);
  expect(meter.rowsWritten).toBe(READERS_PER_MESSAGE);
});

it("reads the followers of its own part alone", async () => {
  const author = await newReader();
  await followAll(await newReaders(READERS_PER_MESSAGE), author);
  const { root } = await postToDeliver(author);
  const { env: bindings, meter } = metered(env);
  await fanOut(bindings, { ...root, parts: { first: 3, end: 4 } });
  expect(meter.rowsRead).toBeLessThan(READERS_PER_MESSAGE);
});

it("keeps a feed bounded: who is drawn loses what is beyond the newest", async () => {
  const [author, ada, ben] = (await newReaders(3)) as [PersonId, PersonId, PersonId];
  await followAll([ada, ben], author);
  const before = Date.now() - 1000;
  const old = Array.from({ length: FEED_MAX + 5 }, (_, age) => newId<PostId>(shardOf(author), before - age));
  for (const reader of [ada, ben]) {
    await databaseOf(env, reader)
      .prepare("INSERT INTO feed (reader, post, author) SELECT ?1, value, ?2 FROM json_each(?3)")
      .bind(reader, author, JSON.stringify(old))
      .run();
  }
  const entries = async (reader: PersonId) =>
    (await feedSkeleton(readerFor(), reader, { before: undefined, limit: 1000 })).map(({ post }) => post);
  const turns = vi.spyOn(Math, "random");
  turns.mockReturnValue(0.99); // Nobody's.
  const first = await postToDeliver(author);
  await fanOut(env, first.root);
  expect((await entries(ada)).length + (await entries(ben)).length).toBe(2 * (FEED_MAX + 6));
  turns.mockReturnValue(0); // The first of each database.
  const second = await postToDeliver(author);
  await fanOut(env, second.root);
  const trimmed = [second.post, first.post, ...old.slice(0, FEED_MAX - 2)];
  const both = [await entries(ada), await entries(ben)];
  expect(both).toContainEqual(trimmed);
  for (const feed of both) expect(feed.slice(0, FEED_MAX)).toEqual(trimmed);
});

it("draws as many of every page, and everybody in turn", () => {
  const readers = Array.from({ length: 1000 }, (_, index) => index);
  const turns = vi.spyOn(Math, "random");
  const all = Array.from({ length: TRIM_ONE_IN }, (_, turn) => {
    turns.mockReturnValue(turn / TRIM_ONE_IN);
    return drawn(readers);
  });
  for (const some of all) expect(Math.abs(some.length - 1000 / TRIM_ONE_IN)).toBeLessThan(1);
  expect(all.flat().toSorted((a, b) => a - b)).toEqual(readers);
});
