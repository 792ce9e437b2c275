import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { setBased } from "../../schema/d1/set-based.ts";
import { Effect } from "../../schema/messages/effects.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { allD1, byD1, d1Of, prepared } from "../../tests/runtime/stores/d1.ts";
import { withCalls } from "../../tests/runtime/stores/calls.ts";
import { metered } from "../../tests/runtime/stores/metered.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { projectAll, publish as publishOver, type Someone } from "../../tests/runtime/world/api.ts";
import { pendingEffects, settleEffects } from "../../tests/runtime/world/effects.ts";
import { ask, signUp } from "../../tests/runtime/world/people.ts";
import { followAll, newReader, newReaders } from "../../tests/runtime/world/readers.ts";
import { readerFor } from "../../tests/runtime/world/reader.ts";
import { DORMANT_AFTER_DAYS, today } from "./dormant.ts";
import { fanOut } from "./fan-out.ts";
import { ENTRIES_PER_AUTHOR, FEED_MAX, trimFeedStatements } from "./feed-limit.ts";
import { refillFeed } from "./refill.ts";
import { withdrawPosts, WITHDRAWN_PER_MESSAGE } from "./withdraw.ts";
import { feedSkeleton } from "./skeleton.ts";
import { closeAccount } from "../closing/close.ts";
import { eraseFollowers } from "../closing/relations.ts";
import { endOf } from "../projector/erase.ts";
import { applyFollows } from "../relations/follow.ts";

type Withdrawal = Extract<Effect, { kind: "withdraw" }>;

let sent: Effect[] = [];
const bindings = { ...env, EFFECTS: queueTo((message) => sent.push(Effect.parse(message))) };
const published: PostId[] = [];
beforeEach(() => {
  sent = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const [database, posts] of byD1(env, published.splice(0), (post) => post)) {
    await database.batch(
      prepared(database, setBased("DELETE FROM posts WHERE id IN (SELECT value FROM json_each(?1))", posts)),
    );
  }
});

/** Adds posts, a second apart and newest first, but only the rows that fill feeds. */
async function publish({ person }: Someone, count: number, newest = Date.now()): Promise<PostId[]> {
  const ids = Array.from({ length: count }, (_, age) => newId<PostId>(shardOf(person.id), newest - 1000 * age));
  await d1Of(env, person.id)
    .prepare("INSERT INTO posts (id, author, caption, media, seq) SELECT value, ?, '', '[]', 1 FROM json_each(?)")
    .bind(person.id, JSON.stringify(ids))
    .run();
  published.push(...ids);
  return ids;
}

/** Adds entries to feeds. */
async function push(readers: readonly PersonId[], author: PersonId, posts: readonly PostId[]): Promise<void> {
  for (const [database, group] of byD1(env, readers, (reader) => reader)) {
    await database
      .prepare(
        "INSERT INTO feed (reader, post, author) SELECT r.value, p.value, ?3 FROM json_each(?1) AS r, json_each(?2) AS p",
      )
      .bind(JSON.stringify(group), JSON.stringify(posts), author)
      .run();
  }
}

/** Deletes posts as the projector does. */
async function remove({ person: { id } }: Pick<Someone, "person">, posts: readonly PostId[]): Promise<void> {
  const database = d1Of(env, id);
  for (const post of posts) {
    const [, ...statements] = endOf(post, id, { media: [] }).statements; // There are no files to erase.
    await database.batch(prepared(database, statements));
  }
}

const feedOf = async ({ person }: Someone): Promise<PostId[]> =>
  (await feedSkeleton(readerFor(), person.id, { before: undefined, limit: 5000 })).map(({ post }) => post);

async function trim({ person }: Someone): Promise<void> {
  const database = d1Of(env, person.id);
  await database.batch(prepared(database, trimFeedStatements([person.id])));
}

async function change(method: "PUT" | "DELETE", by: Someone, what: "follow" | "mute" | "block", of: Someone) {
  const response = await ask(method, `/v1/people/${of.person.handle}/${what}`, { token: by.token, env: bindings });
  expect(response.ok).toBe(true);
}

const settle = (...people: Someone[]): Promise<void> =>
  settleEffects(
    bindings,
    people.map(({ person }) => person.id),
  );

const refillsOf = ({ person }: Someone) =>
  sent.filter((effect) => effect.kind === "refill").filter(({ reader }) => reader === person.id);

/** Makes a reader whose feed is full of the posts of five accounts, while a friend's older ones have no place. */
async function fullFeed() {
  const [reader, friend, ...loud] = await Promise.all(Array.from({ length: 7 }, () => signUp()));
  const floods: PostId[][] = [];
  const all = { reader: reader as Someone, friend: friend as Someone, loud, floods };
  const old = await publish(all.friend, 60, Date.now() - 10_000_000);
  for (const [place, account] of loud.entries()) {
    floods.push(await publish(account, ENTRIES_PER_AUTHOR + 20, Date.now() - place));
    await change("PUT", all.reader, "follow", account);
  }
  await change("PUT", all.reader, "follow", all.friend);
  await settle(all.reader);
  await trim(all.reader);
  expect(await feedOf(all.reader)).toHaveLength(FEED_MAX);
  expect((await feedOf(all.reader)).filter((post) => old.includes(post))).toEqual([]);
  return { ...all, old };
}

it("keeps everybody else's posts in a feed when one followed account publishes 600", async () => {
  const [reader, friend, loud] = await Promise.all([signUp(), signUp(), signUp()]);
  const old = await publish(friend, 60, Date.now() - 10_000_000);
  for (const account of [friend, loud]) await change("PUT", reader, "follow", account);
  await settle(reader);
  const flood = await publish(loud, 600);
  const [last, earlier] = [flood.slice(0, 20), flood.slice(20)];
  await push([reader.person.id], loud.person.id, earlier); // As fan-out does, and untrimmed so far.
  vi.spyOn(Math, "random").mockReturnValue(0); // It is the reader's turn to be trimmed.
  const parts = { first: 0, end: 8 };
  for (const post of last.toReversed()) await fanOut(bindings, { post, author: loud.person.id, parts });
  expect(await feedOf(reader)).toEqual([...flood.slice(0, ENTRIES_PER_AUTHOR), ...old]);
  await change("DELETE", reader, "follow", loud);
  expect(await feedOf(reader)).toEqual(old);
});

describe("a feed is full again", () => {
  it("after many unfollows in a row, by one refill", async () => {
    const { reader, loud, old } = await fullFeed();
    for (const account of loud) await change("DELETE", reader, "follow", account);
    expect(await feedOf(reader)).toEqual([]);
    await settle(reader);
    expect(await feedOf(reader)).toEqual(old);
    expect(refillsOf(reader)).toHaveLength(1);
    expect(await pendingEffects(env, [reader.person.id])).toEqual([]);
  });

  it("after mutes, and after unmutes with everything published meanwhile", async () => {
    const { reader, loud, old } = await fullFeed();
    for (const account of loud) await change("PUT", reader, "mute", account);
    await settle(reader);
    expect(await feedOf(reader)).toEqual(old);
    const [first, second] = loud as [Someone, Someone];
    const meanwhile = await publish(first, 3, Date.now() + 10_000);
    for (const account of [first, second]) await change("DELETE", reader, "mute", account);
    await settle(reader);
    const feed = await feedOf(reader);
    expect(feed.slice(0, 3)).toEqual(meanwhile);
    expect(feed).toHaveLength(2 * ENTRIES_PER_AUTHOR + old.length);
    expect(feed.slice(-old.length)).toEqual(old);
  });

  it("after blocks by either side", async () => {
    const { reader, loud, old } = await fullFeed();
    for (const [place, account] of loud.entries()) {
      await (place % 2 === 0 ? change("PUT", reader, "block", account) : change("PUT", account, "block", reader));
    }
    await settle(reader, ...loud);
    expect(await feedOf(reader)).toEqual(old);
  });

  it("after posts were deleted", async () => {
    const { reader, loud, floods, old } = await fullFeed();
    for (const [place, account] of loud.entries()) await remove(account, floods[place] ?? []);
    await settle(reader, ...loud);
    expect(await feedOf(reader)).toEqual(old);
    expect(refillsOf(reader)).toHaveLength(1);
  });

  it("after accounts were closed", async () => {
    const { reader, loud, old } = await fullFeed();
    for (const { person } of loud) {
      await closeAccount(bindings, person.id);
      await eraseFollowers(bindings, person.id);
    }
    await settle(reader, ...loud);
    expect(await feedOf(reader)).toEqual(old);
    expect(refillsOf(reader)).toHaveLength(1);
  });

  it("after they have been removed as a follower", async () => {
    const { reader, loud, old } = await fullFeed();
    for (const account of loud) {
      const path = `/v1/me/followers/${reader.person.handle}`;
      const response = await ask("DELETE", path, { token: account.token, env: bindings });
      expect(response.ok).toBe(true);
    }
    await settle(reader, ...loud);
    expect(await feedOf(reader)).toEqual(old);
  });
});

it("takes deleted posts out of feeds, and fills in the author's older ones and then everybody's", async () => {
  const queues = recordQueues();
  const [reader, friend, ...loud] = await Promise.all(Array.from({ length: 7 }, () => signUp()));
  const old = await publish(friend as Someone, 60, Date.now() - 10_000_000);
  const older: PostId[] = [];
  const deleted: { by: Someone; post: PostId }[] = [];
  for (const account of loud) {
    older.push(...(await publish(account, 70, Date.now() - 100_000)));
    await publish(account, 50, Date.now() - 1000);
    for (let index = 0; index < 2; index += 1) {
      const { id } = await publishOver(account);
      await projectAll(queues, id);
      deleted.push({ by: account, post: id });
    }
  }
  for (const account of [friend, ...loud]) await change("PUT", reader as Someone, "follow", account as Someone);
  await settle(reader as Someone);
  await trim(reader as Someone);
  const before = await feedOf(reader as Someone);
  expect(before).toHaveLength(FEED_MAX);
  for (const { by, post } of deleted) {
    const response = await ask("DELETE", `/v1/posts/${post}`, { token: by.token, env: bindings });
    expect(response.status).toBe(204);
  }
  await settle(reader as Someone, ...loud);
  const after = await feedOf(reader as Someone);
  // Of each, two more of the older ones.
  expect(after).toHaveLength(FEED_MAX);
  expect(after.filter((post) => deleted.some((gone) => gone.post === post))).toEqual([]);
  for (const { person } of loud) {
    const own = older.filter((post) => shardOf(post) === shardOf(person.id));
    expect(after).toEqual(expect.arrayContaining(own.slice(0, ENTRIES_PER_AUTHOR - 50)));
  }
  expect(after.filter((post) => old.includes(post))).toEqual([]);
  expect(refillsOf(reader as Someone)).toEqual([]); // Nobody else's posts were displaced.
});

it("takes a deleted post out of more feeds than one message changes", async () => {
  const author = await newReader();
  const readers = await newReaders(WITHDRAWN_PER_MESSAGE + 5);
  await followAll(readers, author);
  const [last = author, first = author] = [readers.at(-1), readers[0]];
  const card = { person: { id: author } } as Someone;
  const posts = await publish(card, ENTRIES_PER_AUTHOR + 2);
  const [deleted, kept, ...older] = posts as [PostId, PostId, ...PostId[]];
  await push([...readers, author], author, posts.slice(0, ENTRIES_PER_AUTHOR));
  await remove(card, [deleted]);
  const [effect] = await pendingEffects(env, [author]);
  for (let repeated = 0; repeated < 2; repeated += 1) await withdrawPosts(bindings, [effect as Withdrawal]);
  expect(sent).toMatchObject([{ id: effect?.id, after: expect.any(String) as string }, { id: effect?.id }]);
  await settle(card);
  for (const reader of [first, last, author]) {
    expect(await feedOf({ person: { id: reader } } as Someone)).toEqual([
      kept,
      ...older.slice(0, ENTRIES_PER_AUTHOR - 1),
    ]);
  }
});

it("costs next to nothing when somebody leaves whose posts never filled the feed", async () => {
  const [reader, friend] = [await signUp(), await signUp()];
  await publish(friend, 150);
  await change("PUT", reader, "follow", friend);
  await settle(reader);
  const { env: counted, meter } = metered(bindings);
  const path = `/v1/people/${friend.person.handle}/follow`;
  await ask("DELETE", path, { token: reader.token, env: counted });
  // The entries, the follow with its index row, the effect and the count of people followed.
  expect(meter.rowsWritten).toBeLessThanOrEqual(ENTRIES_PER_AUTHOR + 6);
  await settle(reader);
  expect(refillsOf(reader)).toEqual([]);
});

describe("a refill", () => {
  /** Unfollows `loud` and applies what follows, except for the refill, which it returns. */
  async function refillOf({ reader, loud }: { reader: Someone; loud: Someone[] }) {
    for (const account of loud) await change("DELETE", reader, "follow", account);
    const effects = await pendingEffects(env, [reader.person.id]);
    await applyFollows(
      bindings,
      effects.filter((effect) => effect.kind === "follow"),
    );
    const [refill] = refillsOf(reader);
    if (!refill) throw new Error("no refill was sent");
    return refill;
  }
  /** Returns bindings that run `first` before the second write, which fills the feed. */
  function whileFilling(first: () => Promise<void>): Env {
    let writes = 0;
    return withCalls(bindings, async (call, go) => {
      if (call.store === "d1" && call.writes && (writes += 1) === 2) await first();
      return go();
    });
  }
  const stateOf = ({ person }: Someone) =>
    d1Of(env, person.id)
      .prepare("SELECT feed_gaps AS gaps, refill, refill_begun AS begun FROM people WHERE id = ?")
      .bind(person.id)
      .first();

  it("that fails halfway is repeated, and one that is done changes nothing", async () => {
    const world = await fullFeed();
    const { reader, old } = world;
    const effect = await refillOf(world);
    const failing = whileFilling(() => Promise.reject(new Error("D1 is down")));
    await expect(refillFeed(failing, effect)).rejects.toThrow("D1 is down");
    expect(await feedOf(reader)).toEqual([]); // Read as it is.
    expect(await stateOf(reader)).toEqual({ gaps: 0, refill: effect.id, begun: 1 });
    await refillFeed(bindings, effect);
    expect(await feedOf(reader)).toEqual(old);
    expect(await stateOf(reader)).toEqual({ gaps: 0, refill: null, begun: 0 });
    const { env: counted, meter } = metered(bindings);
    await refillFeed(counted, effect);
    expect(meter).toMatchObject({ queries: 2, rowsWritten: 0 });
  });

  it("is followed by another for what leaves while it runs", async () => {
    const world = await fullFeed();
    const { reader, loud, old } = world;
    const effect = await refillOf({ reader, loud: loud.slice(1) });
    const slow = whileFilling(() => change("DELETE", reader, "follow", loud[0] as Someone));
    await refillFeed(slow, effect);
    await settle(reader);
    expect(refillsOf(reader)).toHaveLength(2);
    expect(await feedOf(reader)).toEqual(old);
  });

  it("leaves dormant readers to their next read", async () => {
    const world = await fullFeed();
    const { reader, old } = world;
    const effect = await refillOf(world);
    await d1Of(env, reader.person.id)
      .prepare("UPDATE people SET seen_day = ? WHERE id = ?")
      .bind(today() - DORMANT_AFTER_DAYS - 1, reader.person.id)
      .run();
    const { env: counted, meter } = metered(bindings);
    await refillFeed(counted, effect);
    expect(meter.queries).toBe(2);
    expect(await stateOf(reader)).toEqual({ gaps: 0, refill: null, begun: 0 });
    expect(await feedOf(reader)).toEqual(old);
  });

  it("costs two batches, a query a database and window, and a row for each entry", async () => {
    const world = await fullFeed();
    await publish(world.friend, 60, Date.now() - 5_000_000);
    const effect = await refillOf(world);
    const { env: counted, meter } = metered(bindings);
    await refillFeed(counted, effect);
    expect(meter.queries).toBeLessThanOrEqual(2 + 8 * allD1(env).length);
    expect(meter.rowsWritten).toBe(ENTRIES_PER_AUTHOR + 3); // The beginning, the end, and the effect.
    expect(meter.rowsRead).toBeLessThan(2000);
  });
});
