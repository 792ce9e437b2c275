import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Effect } from "../../schema/messages/effects.ts";
import { type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import type { NotificationKind, NotificationSource } from "../../schema/notifications.ts";
import { d1Of, allD1 } from "../../tests/runtime/stores/d1.ts";
import { flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { metered } from "../../tests/runtime/stores/metered.ts";
import { ask, signUp } from "../../tests/runtime/world/people.ts";
import { publishedPost } from "../../tests/runtime/world/posts.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { followAll, newReader, newReaders, ringAll, recipientsOf } from "../../tests/runtime/world/readers.ts";
import { project } from "../projector/projector.ts";
import * as announcing from "../push/announce.ts";
import { applyBell } from "./bells.ts";
import { DORMANT_AFTER_DAYS } from "../feeds/dormant.ts";
import { fanOut, READERS_PER_MESSAGE } from "../feeds/fan-out.ts";
import { applyFollow } from "./follow.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Three = [PersonId, PersonId, PersonId];

/** Publishes a post and projects it to D1. The root message of its fan-out is left in `queues`. */
async function publish(author: PersonId): Promise<PostId> {
  const { post, actor } = await publishedPost(author);
  await flush(actor);
  await project(env, queues.facts.splice(0));
  return post.id;
}

/** Delivers fan-out messages until none are queued. Returns their number. */
async function deliver(bindings: Env = env): Promise<number> {
  let messages = 0;
  for (let message = queues.fanOuts.shift(); message; message = queues.fanOuts.shift()) {
    await fanOut(bindings, message);
    messages += 1;
  }
  return messages;
}

const turnToMerged = (author: PersonId) =>
  d1Of(env, author).prepare("UPDATE people SET reach = 'merged' WHERE id = ?").bind(author).run();

const notificationOf = (recipient: PersonId, post: PostId) =>
  d1Of(env, recipient)
    .prepare("SELECT * FROM notifications WHERE recipient = ? AND kind = 'new_post' AND subject = ?")
    .bind(recipient, post)
    .first();

const write = (person: PersonId, sql: string, ...values: (string | number)[]) =>
  d1Of(env, person)
    .prepare(sql)
    .bind(person, ...values)
    .run();

it.each(["pushed", "merged"])("notifies followers with a bell once, and nobody else: %s", async (reach) => {
  const author = await newReader();
  const [ada, ben, cleo] = (await newReaders(3)) as Three;
  await followAll([ada, ben, cleo], author);
  await ringAll([ada, ben], author);
  if (reach === "merged") await turnToMerged(author);
  const post = await publish(author);
  const root = { post, author };
  await deliver();
  expect((await recipientsOf(post)).toSorted()).toEqual([ada, ben].toSorted());
  const entry = await notificationOf(ada, post);
  const at = timeOf(post);
  expect(entry).toEqual({
    recipient: ada,
    kind: "new_post",
    subject: post,
    post,
    actors: JSON.stringify([author]),
    count: 1,
    excerpt: null,
    version: 1,
    raised: at,
    seen: 0,
    at,
    pushed: 0,
    pushed_at: 0,
    push_held_until: 0,
    followed_at: 0, // Its kind says so.
  });

  await write(ada, "UPDATE notifications SET seen = raised WHERE recipient = ?");
  await fanOut(env, root); // The queue repeats it.
  await fanOut(env, { ...root, parts: { first: 0, end: 8, bells: true } });
  expect(await notificationOf(ada, post)).toEqual({ ...entry, seen: at });
  expect((await recipientsOf(post)).toSorted()).toEqual([ada, ben].toSorted());
});

it("notifies only followers who want a notification", async () => {
  const author = await newReader();
  const post = await publish(author);
  const prefers = (person: PersonId, kind: NotificationKind, who: NotificationSource) =>
    write(person, "INSERT INTO notification_preferences (person, kind, who, push) VALUES (?, ?, ?, 1)", kind, who);
  const block = "INSERT INTO blocks (person, other, mine, version, theirs, their_version) VALUES (?, ?, ?, 1, ?, 1)";
  const cases: [isNotified: boolean, arrange: (person: PersonId) => Promise<unknown>][] = [
    [true, async () => undefined],
    [true, (person) => prefers(person, "new_post", "everyone")],
    [true, (person) => prefers(person, "new_post", "following")],
    [true, (person) => prefers(person, "like", "nobody")],
    [false, (person) => prefers(person, "new_post", "nobody")],
    [false, (person) => write(person, "INSERT INTO mutes (person, other) VALUES (?, ?)", author)],
    [false, (person) => write(person, "INSERT INTO muted_posts (person, post) VALUES (?, ?)", post)],
    [false, (person) => write(person, block, author, 1, 0)],
    [false, (person) => write(person, block, author, 0, 1)],
    [true, (person) => write(person, block, author, 0, 0)],
    // The mirrors of these two still have the bell.
    [false, (person) => write(person, "UPDATE following SET bell = 0 WHERE follower = ?")],
    [false, (person) => write(person, "UPDATE following SET active = 0, bell = 0 WHERE follower = ?")],
  ];
  const readers = await newReaders(cases.length);
  await followAll(readers, author);
  await ringAll(readers, author);
  for (const [index, [, arrange]] of cases.entries()) await arrange(readers[index] as PersonId);
  await deliver();
  const notified = new Set(await recipientsOf(post));
  expect(readers.map((reader) => notified.has(reader))).toEqual(cases.map(([isNotified]) => isNotified));
});

it("notifies dormant readers, although nothing is written to their feed", async () => {
  const author = await newReader();
  const dormant = await newReader(DORMANT_AFTER_DAYS + 1);
  await followAll([dormant], author);
  await ringAll([dormant], author);
  const post = await publish(author);
  await deliver();
  expect(await recipientsOf(post)).toEqual([dormant]);
  const feed = d1Of(env, dormant).prepare("SELECT count(*) AS n FROM feed WHERE reader = ?").bind(dormant);
  expect(await feed.first("n")).toBe(0);
});

it("announces unread notifications, including those written by an earlier run", async () => {
  const author = await newReader();
  const [ada, ben, cleo] = (await newReaders(3)) as Three;
  await followAll([ada, ben, cleo], author);
  await ringAll([ada, ben], author);
  const post = await publish(author);
  const announce = vi.spyOn(announcing, "announce");
  const announced = () =>
    announce.mock.calls
      .flatMap(([, unread]) => unread)
      .toSorted((a, b) => (a.recipient < b.recipient ? -1 : 1))
      .map(({ recipient, kind, subject }) => ({ recipient, kind, subject }));
  const notification = (recipient: PersonId) => ({ recipient, kind: "new_post", subject: post });
  const root = { post, author };
  await deliver();
  expect(announced()).toEqual([ada, ben].toSorted().map(notification));
  announce.mockClear();
  await write(ada, "UPDATE notifications SET seen = raised WHERE recipient = ?");
  await fanOut(env, root);
  expect(announced()).toEqual([notification(ben)]);
});

it("sends a tree of pages to the bells of a large author if they exceed one message", async () => {
  const author = await newReader();
  const followers = await newReaders(2 * READERS_PER_MESSAGE);
  const ringing = followers.slice(0, READERS_PER_MESSAGE + 100);
  await followAll(followers, author);
  await ringAll(ringing, author);
  await turnToMerged(author);
  const post = await publish(author);
  expect(await deliver()).toBe(3); // The root and two pages.
  expect((await recipientsOf(post)).toSorted()).toEqual(ringing.toSorted());
  expect(await env.POSTS.getByName(post).confirmDelivered(0)).toBe(0);
});

it("costs nothing without bells, and two written rows for each bell", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.99); // Nothing is trimmed. Ids do not depend on Math.random.
  const author = await newReader();
  const followers = await newReaders(200);
  await followAll(followers, author);
  const costOf = async (post: PostId) => {
    const { env: bindings, meter } = metered(env);
    queues.fanOuts.length = 0;
    await fanOut(bindings, { post, author });
    return meter;
  };
  const without = await costOf(await publish(author));
  await ringAll(followers.slice(0, 20), author);
  const withBells = await costOf(await publish(author));
  const socketQueries = allD1(env).length;
  // One batch more where the followers are beside the author, whose feeds are filled without their ids.
  expect(withBells.queries).toBeLessThanOrEqual(without.queries + 1 + socketQueries);
  expect(withBells.rowsWritten - without.rowsWritten).toBe(2 * 20);
  expect((withBells.rowsRead - without.rowsRead) / 20).toBeLessThanOrEqual(13);

  await turnToMerged(author);
  const large = await costOf(await publish(author));
  expect(large.queries).toBeLessThanOrEqual(2 + 2 * socketQueries);
  expect(large.rowsWritten).toBe(2 * 20);
  expect(large.rowsRead).toBeLessThan(20 * 15);
  await d1Of(env, author).prepare("UPDATE followers SET bell = 0 WHERE followee = ?").bind(author).run();
  expect(await costOf(await publish(author))).toMatchObject({ queries: 1, rowsWritten: 0 });
});

/**
 * A reader and an author who use the API. Returns a function that changes their relation, whose effects the test
 * applies.
 */
async function newPair() {
  const [ada, ben] = [await signUp(), await signUp()];
  const sent: Effect[] = [];
  const bindings = { ...env, EFFECTS: queueTo((message) => sent.push(Effect.parse(message))) };
  const change = async (method: "PUT" | "DELETE", what: "follow" | "bell") => {
    const path = `/v1/people/${ben.person.handle}/${what}`;
    expect((await ask(method, path, { token: ada.token, env: bindings })).status).toBe(200);
    return sent.splice(0);
  };
  return { reader: ada.person.id, author: ben.person.id, change };
}

async function apply(effects: readonly Effect[]): Promise<void> {
  for (const effect of effects) {
    if (effect.kind === "follow") await applyFollow(env, effect);
    if (effect.kind === "bell") await applyBell(env, effect);
  }
}

it.each(["pushed", "merged"])("catches up with posts published before the bell is mirrored: %s", async (reach) => {
  const { reader, author, change } = await newPair();
  if (reach === "merged") await turnToMerged(author);
  await apply(await change("PUT", "follow"));
  const before = await publish(author);
  await deliver();
  vi.useFakeTimers({ now: Date.now() + 5, toFake: ["Date"] });
  const ring = await change("PUT", "bell");
  vi.useFakeTimers({ now: Date.now() + 5, toFake: ["Date"] });
  const meanwhile = await publish(author);
  vi.useRealTimers();
  await deliver(); // Fan-out reads the mirror, which does not have the bell yet.
  expect(await recipientsOf(meanwhile)).toEqual([]);
  await apply([...ring, ...ring]);
  expect([await recipientsOf(before), await recipientsOf(meanwhile)]).toEqual([[], [reader]]);
  const later = await publish(author);
  await deliver();
  expect(await recipientsOf(later)).toEqual([reader]);
});

it("ends up as the fact says, whatever the order of the effects of follow and bell", async () => {
  const { reader, author, change } = await newPair();
  const effects = [
    ...(await change("PUT", "follow")),
    ...(await change("PUT", "bell")),
    ...(await change("DELETE", "bell")),
    ...(await change("PUT", "bell")),
  ];
  await apply(effects.toReversed());
  await apply(effects);
  const mirror = () =>
    d1Of(env, author)
      .prepare("SELECT active, version, bell FROM followers WHERE followee = ? AND follower = ?")
      .bind(author, reader)
      .first();
  expect(await mirror()).toEqual({ active: 1, version: 4, bell: 1 });
  const end = await change("DELETE", "follow");
  await apply([...end, ...effects]);
  expect(await mirror()).toEqual({ active: 0, version: 5, bell: 0 });
  const people = d1Of(env, author).prepare("SELECT followers FROM people WHERE id = ?").bind(author);
  expect(await people.first("followers")).toBe(0);
  const left = d1Of(env, reader).prepare("SELECT count(*) AS n FROM effects WHERE body ->> 'follower' = ?");
  expect(await left.bind(reader).first("n")).toBe(0);
});

it("does not notify the followee of a bell", async () => {
  const { author, change } = await newPair();
  await apply(await change("PUT", "follow"));
  await d1Of(env, author).prepare("UPDATE notifications SET seen = raised WHERE recipient = ?").bind(author).run();
  await apply([...(await change("PUT", "bell")), ...(await change("DELETE", "bell"))]);
  const unread = d1Of(env, author).prepare(
    "SELECT count(*) AS n FROM notifications WHERE recipient = ? AND raised > seen",
  );
  expect(await unread.bind(author).first("n")).toBe(0);
});
