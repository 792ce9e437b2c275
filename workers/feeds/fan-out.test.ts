import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { FanOut } from "../../schema/messages/fan-out.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { d1Of, allD1 } from "../../tests/runtime/stores/d1.ts";
import { flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { type Faults, withFaults } from "../../tests/runtime/stores/faults.ts";
import { metered } from "../../tests/runtime/stores/metered.ts";
import { newPerson, writeFollow, publishedPost } from "../../tests/runtime/world/posts.ts";
import { followAll, newReader, newReaders, ringAll, recipientsOf } from "../../tests/runtime/world/readers.ts";
import { project } from "../projector/projector.ts";
import { readerFor } from "../../tests/runtime/world/reader.ts";
import { feedSkeleton } from "./skeleton.ts";
import { DORMANT_AFTER_DAYS } from "./dormant.ts";
import { fanOut, READERS_PER_MESSAGE } from "./fan-out.ts";
import { ENTRIES_PER_AUTHOR, FEED_MAX } from "./feed-limit.ts";
import { pickForTrim, TRIM_ONE_IN } from "../storage/trim-turns.ts";

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

/** Returns how many feeds have the post. */
async function feedsWith(post: PostId): Promise<number> {
  const counts = allD1(env).map((database) =>
    database.prepare("SELECT count(*) AS n FROM feed WHERE post = ?").bind(post).first<number>("n"),
  );
  return (await Promise.all(counts)).reduce<number>((sum, n) => sum + (n ?? 0), 0);
}

/** Delivers fan-out messages until none are queued. Returns their number. */
async function deliverAll(): Promise<number> {
  let messages = 0;
  for (let message = queues.fanOuts.shift(); message; message = queues.fanOuts.shift()) {
    await fanOut(env, message);
    messages += 1;
  }
  return messages;
}

/** Publishes a post and projects it to D1. Returns it with the root message of its fan-out. */
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

it("adds a post to every follower's feed once, and to nobody else's", async () => {
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

it("adds nothing for a reader who has unfollowed, even while the mirror still lists them", async () => {
  const [author, ada] = (await newReaders(2)) as [PersonId, PersonId];
  await writeFollow(ada, author);
  await d1Of(env, ada).prepare("UPDATE following SET active = 0, version = 2 WHERE follower = ?").bind(ada).run();
  const { root } = await postToDeliver(author);
  await fanOut(env, root);
  expect(await feedOf(ada)).toEqual([]);
});

it("writes nothing for dormant readers", async () => {
  const author = await newReader();
  const dormant = await newReader(DORMANT_AFTER_DAYS + 1);
  const almost = await newReader(DORMANT_AFTER_DAYS);
  await followAll([dormant, almost], author);
  const { post, root } = await postToDeliver(author);
  await fanOut(env, root);
  expect(await feedsWith(post)).toBe(2); // The author's own feed, and that of the active reader.
});

it("waits until the post is in D1, where a new follower's backfill can find it", async () => {
  const { actor } = await publishedPost();
  await flush(actor);
  await expect(deliverAll()).rejects.toThrow("not in D1 yet");
});

it("stops when the post is deleted", async () => {
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

it("resends only the missing ranges after a message was lost, and then completes", async () => {
  const author = await newReader();
  await followAll(await newReaders(READERS_PER_MESSAGE + 10), author);
  const { actor, post, root } = await postToDeliver(author);
  await fanOut(env, root);
  const [first, second] = queues.fanOuts.splice(0) as [FanOut, FanOut];
  await fanOut(env, first); // The queue loses the second.
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

it("counts as delivered exactly when everybody has it, whatever the queue does and however roots split", async () => {
  const FOLLOWERS = 2500;
  const author = await newReader();
  const readers = await newReaders(FOLLOWERS);
  await followAll(readers, author);
  const ringing = readers.filter((_, index) => index % 2 === 0); // More than one message serves.
  await ringAll(ringing, author);
  const fate = fc.record(
    { pick: fc.nat(), times: fc.constantFrom(0, 1, 1, 1, 2), late: fc.boolean() },
    { noNullPrototype: true },
  );
  // The count of followers at each root. Roots split differently as followers come and go. Once the author has turned to
  // `merged`, roots serve only bells.
  const moment = fc.constantFrom(900, 1500, FOLLOWERS, 9000, "merged" as const);
  const moments = fc.array(moment, { minLength: 1, maxLength: 3 });
  const set = (column: "followers" | "reach", value: number | string) =>
    d1Of(env, author).prepare(`UPDATE people SET ${column} = ? WHERE id = ?`).bind(value, author).run();
  await fc.assert(
    fc.asyncProperty(moments, fc.array(fate, { maxLength: 12 }), async (moments, fates) => {
      await set("reach", "pushed");
      let isMerged = false;
      const { post, actor, root } = await postToDeliver(author);
      const check = async () => {
        const delivered = await isDelivered({ actor });
        if (delivered && !isMerged) expect(await feedsWith(post)).toBe(FOLLOWERS + 1);
        if (delivered) expect((await recipientsOf(post)).length).toBe(ringing.length);
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
      // The actor sends the root until everything is confirmed.
      for (let tries = 0; !(await check()) && tries < 3; tries += 1) {
        await beginAt(FOLLOWERS);
        await deliverAll();
      }
      expect(await check()).toBe(true);
      expect((await recipientsOf(post)).toSorted()).toEqual(ringing.toSorted());
      queues.fanOuts.length = 0;
    }),
    { numRuns: 12 },
  );
}, 120_000);

it("sends pages to a separate queue, so that they do not delay a small author's post", async () => {
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
  expect(queues.sendFanOut).not.toHaveBeenCalled(); // That queue carries only roots.
});

it("interleaves the pages of several authors, so that none waits for all pages of another", async () => {
  const large = await newReader();
  const followers = await newReaders(5 * READERS_PER_MESSAGE);
  await followAll(followers, large);
  const middle = await newReader();
  await followAll(followers.slice(0, READERS_PER_MESSAGE + 10), middle);
  const [first, second] = [await postToDeliver(large), await postToDeliver(middle)];
  // The queue is first in, first out, and the root of the large author is served first.
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

const hasTwoDatabases = allD1(env).length > 1;

it.runIf(hasTwoDatabases).each(["throws", "hangs"] as const)(
  "writes to each database even if another one %s, and delivers the rest when that is back",
  async (fault) => {
    const author = await newReader();
    const readers = await newReaders(100);
    const [home, away] = [d1Of(env, author), allD1(env).find((one) => one !== d1Of(env, author))];
    await followAll(readers, author);
    await ringAll(readers, author);
    const { post, root, actor } = await postToDeliver(author);
    const faults: Faults = { writes: fault };
    const faulty = withFaults(env, faults).env;
    const world = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value === away ? faulty[name as "DB"] : value]),
    ) as Env;
    const atHome = readers.filter((reader) => d1Of(env, reader) === home);
    const served = fanOut(world, root).then(
      () => "served",
      () => "failed",
    );
    await vi.waitFor(async () => expect((await recipientsOf(post)).toSorted()).toEqual(atHome.toSorted()));
    expect(await served).toBe("failed"); // So the queue repeats it.
    expect(await feedsWith(post)).toBe(atHome.length + 1);
    expect(await isDelivered({ actor })).toBe(false);

    delete faults.writes;
    await fanOut(world, root);
    expect((await recipientsOf(post)).toSorted()).toEqual(readers.toSorted());
    expect(await feedsWith(post)).toBe(readers.length + 1);
    expect(await isDelivered({ actor })).toBe(true);
  },
);

it.runIf(hasTwoDatabases)("ends ranges at the boundary between two databases", async () => {
  const author = await newReader();
  await followAll(await newReaders(READERS_PER_MESSAGE + 10), author);
  const { root } = await postToDeliver(author);
  // Three pages, whose ranges would not end at the boundary otherwise.
  await d1Of(env, author).prepare("UPDATE people SET followers = 2500 WHERE id = ?").bind(author).run();
  await fanOut(env, root);
  expect(queues.fanOuts.map(({ parts }) => [parts?.first, parts?.end])).toEqual([
    [0, 2],
    [2, 4],
    [4, 5],
    [5, 8],
  ]);
  await deliverAll();
});

it("costs one batch per database and one written row per reader", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.999); // Hardly anything is trimmed. Ids do not depend on Math.random.
  const author = await newReader();
  await followAll(await newReaders(READERS_PER_MESSAGE), author);
  const { root } = await postToDeliver(author);
  const { env: bindings, meter } = metered(env);
  await fanOut(bindings, root);
  expect(meter.queries).toBe(2 + allD1(env).length);
  expect(meter.rowsWritten).toBe(READERS_PER_MESSAGE);
  // For each reader: the follower and their index entry, the follow, the last-seen day, and the lookup of the feed
  // entry.
  expect(meter.rowsRead / READERS_PER_MESSAGE).toBeLessThan(5.5);
  await fanOut(bindings, root);
  expect(meter.rowsWritten).toBe(READERS_PER_MESSAGE);
});

it("reads only the followers of its own range", async () => {
  const author = await newReader();
  await followAll(await newReaders(READERS_PER_MESSAGE), author);
  const { root } = await postToDeliver(author);
  const { env: bindings, meter } = metered(env);
  await fanOut(bindings, { ...root, parts: { first: 3, end: 4 } });
  // About nine rows for each follower of the eighth: reading all of them would be eight times as many.
  expect(meter.rowsRead).toBeLessThan(2 * READERS_PER_MESSAGE);
});

it("trims the feeds of picked readers, first to the newest of each author and then to the newest of all", async () => {
  const [author, prolific, ada, ben] = (await newReaders(4)) as [PersonId, PersonId, PersonId, PersonId];
  await followAll([ada, ben], author);
  const before = Date.now() - 1000;
  const idsOf = (by: PersonId, count: number, from: number) =>
    Array.from({ length: count }, (_, age) => newId<PostId>(shardOf(by), from - age));
  const others = Array.from({ length: 5 }, () => newPerson());
  const old = others.map((by, place) => idsOf(by, ENTRIES_PER_AUTHOR - 1, before - 10_000 * place));
  const newer = idsOf(prolific, ENTRIES_PER_AUTHOR + 7, before + 500);
  for (const reader of [ada, ben]) {
    for (const [by, ids] of [
      [prolific, newer],
      ...others.map((by, place) => [by, old[place] ?? []] as const),
    ] as const) {
      await d1Of(env, reader)
        .prepare("INSERT INTO feed (reader, post, author) SELECT ?1, value, ?2 FROM json_each(?3)")
        .bind(reader, by, JSON.stringify(ids))
        .run();
    }
  }
  const entries = async (reader: PersonId) =>
    (await feedSkeleton(readerFor(), reader, { before: undefined, limit: 1000 })).map(({ post }) => post);
  const turns = vi.spyOn(Math, "random");
  turns.mockReturnValue(0.999); // Picks nobody.
  const first = await postToDeliver(author);
  await fanOut(env, first.root);
  const untrimmed = newer.length + old.flat().length + 1;
  expect((await entries(ada)).length + (await entries(ben)).length).toBe(2 * untrimmed);
  turns.mockReturnValue(0); // Picks the first reader of each database.
  const second = await postToDeliver(author);
  await fanOut(env, second.root);
  const kept = [second.post, first.post, ...newer.slice(0, ENTRIES_PER_AUTHOR), ...old.flat()].slice(0, FEED_MAX);
  const both = [await entries(ada), await entries(ben)];
  expect(both).toContainEqual(kept);
  for (const feed of both) if (feed.length !== kept.length) expect(feed).toHaveLength(untrimmed + 1);
});

it("delivers nothing to the feeds of people who have muted the author", async () => {
  const [author, ada, ben] = (await newReaders(3)) as [PersonId, PersonId, PersonId];
  await followAll([ada, ben], author);
  await d1Of(env, ada).prepare("INSERT INTO mutes (person, other) VALUES (?, ?)").bind(ada, author).run();
  const { post, root } = await postToDeliver(author);
  await fanOut(env, root);
  expect(await feedsWith(post)).toBe(2); // The author's own feed, and ben's.
});

it("picks about as many readers from every page, and every reader in some turn", () => {
  const readers = Array.from({ length: 1000 }, (_, index) => index);
  const turns = vi.spyOn(Math, "random");
  const all = Array.from({ length: TRIM_ONE_IN }, (_, turn) => {
    turns.mockReturnValue(turn / TRIM_ONE_IN);
    return pickForTrim(readers);
  });
  for (const some of all) expect(Math.abs(some.length - 1000 / TRIM_ONE_IN)).toBeLessThan(1);
  expect(all.flat().toSorted((a, b) => a - b)).toEqual(readers);
});
