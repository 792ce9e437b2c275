/** Notifications about followers: one a day, with exact counts, and made unread once by each person. */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Effect } from "../../schema/messages/effects.ts";
import { isId, newId, type PersonId, shardOf, timeOf } from "../../schema/ids.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { newPerson } from "../../tests/runtime/world/posts.ts";
import { newReader } from "../../tests/runtime/world/readers.ts";
import { applyFollow } from "../relations/follow.ts";
import { dayOf, RAISE_AGAIN_AFTER } from "./follow-notifications.ts";

const DAY = 86_400_000; // ms
const NOON = Date.UTC(2026, 10, 20, 12);

type Follow = { active?: 0 | 1; requested?: 0 | 1; since?: number; isNew?: boolean };

/** Writes the row of `following` as the API does, and applies its effect. */
async function setFollow(follower: PersonId, followee: PersonId, follow: Follow): Promise<void> {
  const { active = 0, requested = 0, since = NOON, isNew = false } = follow;
  await d1Of(env, follower)
    .prepare(
      `INSERT INTO following (follower, followee, active, requested, asked, since, version) VALUES (?1, ?2, ?3, ?4, 1, ?5, 1)
       ON CONFLICT DO UPDATE SET active = ?3, requested = ?4, since = ?5, version = version + 1,
         asked = iif(?6, version + 1, asked)`,
    )
    .bind(follower, followee, active, requested, since, Number(isNew))
    .run();
  await mirror(follower, followee);
}

async function mirror(follower: PersonId, followee: PersonId): Promise<void> {
  const effect: Extract<Effect, { kind: "follow" }> = {
    kind: "follow",
    id: newId(shardOf(follower)),
    follower,
    followee,
  };
  await applyFollow(env, effect);
}

const follows = (follower: PersonId, followee: PersonId, since = NOON) =>
  setFollow(follower, followee, { active: 1, since, isNew: true });
const unfollows = (follower: PersonId, followee: PersonId) => setFollow(follower, followee, {});

type Entry = { subject: PersonId; actors: string; count: number; raised: number; isUnread: number; at: number };

async function entriesOf(recipient: PersonId, kind = "follow"): Promise<Entry[]> {
  const { results } = await d1Of(env, recipient)
    .prepare(
      `SELECT subject, actors, count, raised, raised > seen AND count > 0 AS isUnread, at FROM notifications
       WHERE recipient = ? AND kind = ? ORDER BY subject`,
    )
    .bind(recipient, kind)
    .all<Entry>();
  return results;
}

async function entryOf(recipient: PersonId, kind?: string): Promise<Entry> {
  const [entry, ...others] = await entriesOf(recipient, kind);
  expect(others).toEqual([]);
  if (!entry) throw new Error("no notification");
  return entry;
}

const read = (recipient: PersonId) =>
  d1Of(env, recipient).prepare("UPDATE notifications SET seen = raised WHERE recipient = ?").bind(recipient).run();

it("uses the lowest id of a day as its subject", () => {
  const day = dayOf(NOON) ?? ("" as PersonId);
  expect(isId(day)).toBe(true);
  expect([timeOf(day), shardOf(day)]).toEqual([Date.UTC(2026, 10, 20), 0]);
  expect(dayOf(0)).toBeNull();
});

it("reports a day's followers together, with their number and the newest three", async () => {
  const ada = await newReader();
  const others = Array.from({ length: 5 }, newPerson);
  for (const [index, other] of others.entries()) await follows(other, ada, NOON + index);
  expect(await entryOf(ada)).toMatchObject({
    subject: dayOf(NOON),
    count: 5,
    actors: JSON.stringify(others.slice(2).toReversed()),
    isUnread: 1,
    at: NOON + 4,
  });
});

it("has one notification for each day", async () => {
  const ada = await newReader();
  await follows(newPerson(), ada, NOON);
  await follows(newPerson(), ada, NOON + DAY);
  expect(await entriesOf(ada)).toMatchObject([
    { subject: dayOf(NOON), count: 1 },
    { subject: dayOf(NOON + DAY), count: 1 },
  ]);
});

it("counts only remaining followers, and names the newest of them", async () => {
  const ada = await newReader();
  const others = Array.from({ length: 5 }, newPerson);
  for (const [index, other] of others.entries()) await follows(other, ada, NOON + index);
  const [first, second, third, fourth, fifth] = others as [PersonId, PersonId, PersonId, PersonId, PersonId];
  await unfollows(fifth, ada);
  expect(await entryOf(ada)).toMatchObject({ count: 4, actors: JSON.stringify([fourth, third, second]) });
  for (const other of [second, third, fourth]) await unfollows(other, ada);
  expect(await entryOf(ada)).toMatchObject({ count: 1, actors: JSON.stringify([first]) });
  await unfollows(first, ada);
  expect(await entryOf(ada)).toMatchObject({ count: 0, actors: "[]", isUnread: 0 });
});

it("counts a follower once, even if the effect is repeated or they unfollow and follow again", async () => {
  const [ada, ben] = [await newReader(), newPerson()];
  await follows(ben, ada);
  for (let times = 0; times < 3; times += 1) await mirror(ben, ada);
  expect(await entryOf(ada)).toMatchObject({ count: 1 });
  await unfollows(ben, ada);
  await follows(ben, ada, NOON + 1);
  expect(await entryOf(ada)).toMatchObject({ count: 1, actors: JSON.stringify([ben]) });
});

it("becomes unread once a week for the same person, and each time for a new one", async () => {
  const [ada, ben] = [await newReader(), newPerson()];
  await follows(ben, ada);
  const first = await entryOf(ada);
  await read(ada);
  for (let times = 0; times < 3; times += 1) {
    await unfollows(ben, ada);
    await follows(ben, ada, NOON + times);
  }
  expect(await entryOf(ada)).toMatchObject({ count: 1, raised: first.raised, isUnread: 0 });
  await follows(newPerson(), ada, NOON + 1);
  const second = await entryOf(ada);
  expect(second).toMatchObject({ count: 2, isUnread: 1 });
  expect(second.raised).toBeGreaterThan(first.raised);

  await read(ada);
  await unfollows(ben, ada);
  await d1Of(env, ada)
    .prepare("UPDATE followers SET told_at = told_at - ?2 - 1 WHERE followee = ?1")
    .bind(ada, RAISE_AGAIN_AFTER)
    .run();
  await follows(ben, ada, NOON + 2);
  expect(await entryOf(ada)).toMatchObject({ count: 2, isUnread: 1 });
});

it("becomes unread for each of two followers in the same millisecond", async () => {
  const ada = await newReader();
  await follows(newPerson(), ada);
  await read(ada);
  await follows(newPerson(), ada);
  expect(await entryOf(ada)).toMatchObject({ count: 2, isUnread: 1 });
});

it("moves a returning follower to the new day, even if the unfollow was never mirrored", async () => {
  const [ada, ben] = [await newReader(), newPerson()];
  await follows(ben, ada);
  await follows(ben, ada, NOON + DAY);
  expect(await entriesOf(ada)).toMatchObject([
    { subject: dayOf(NOON), count: 0, actors: "[]" },
    { subject: dayOf(NOON + DAY), count: 1, actors: JSON.stringify([ben]) },
  ]);
});

it("does not become unread for people who are muted, blocked or excluded by preferences", async () => {
  const ada = await newReader();
  const [muted, blocked, stranger, friend] = [newPerson(), newPerson(), newPerson(), newPerson()];
  const database = d1Of(env, ada);
  await database.batch([
    database.prepare("INSERT INTO mutes (person, other) VALUES (?, ?)").bind(ada, muted),
    database
      .prepare("INSERT INTO blocks (person, other, mine, version, theirs, their_version) VALUES (?, ?, 1, 1, 0, 0)")
      .bind(ada, blocked),
  ]);
  for (const other of [muted, blocked]) await follows(other, ada);
  expect(await entryOf(ada)).toMatchObject({ raised: 0 });
  await database.batch([
    database
      .prepare("INSERT INTO notification_preferences (person, kind, who, push) VALUES (?, 'follow', 'following', 1)")
      .bind(ada),
    database
      .prepare("INSERT INTO following (follower, followee, active, version) VALUES (?, ?, 1, 1)")
      .bind(ada, friend),
  ]);
  await follows(stranger, ada);
  expect(await entryOf(ada)).toMatchObject({ raised: 0 });
  await follows(friend, ada);
  expect(await entryOf(ada)).toMatchObject({ isUnread: 1, count: 4 });
});

it("keeps a follow's own notification from before there were daily ones until the follow ends", async () => {
  const [ada, ben] = [await newReader(), newPerson()];
  const database = d1Of(env, ada);
  await setFollow(ben, ada, { active: 1, since: 0 });
  await database
    .prepare(
      `INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at)
       VALUES (?1, 'follow', ?2, json_array(?2), 1, 1, 1, 1)`,
    )
    .bind(ada, ben)
    .run();
  await mirror(ben, ada);
  expect(await entryOf(ada)).toMatchObject({ subject: ben, count: 1 });
  await unfollows(ben, ada);
  expect(await entriesOf(ada)).toEqual([]);
});

it("reports how many requests wait, naming the newest three, and drops those that were withdrawn", async () => {
  const ada = await newReader();
  await d1Of(env, ada).prepare("UPDATE people SET private = 1 WHERE id = ?").bind(ada).run();
  const others = Array.from({ length: 4 }, newPerson);
  for (const [index, other] of others.entries()) await setFollow(other, ada, { requested: 1, since: NOON + index });
  const [first, second, third, fourth] = others as [PersonId, PersonId, PersonId, PersonId];
  const requests = () => entryOf(ada, "follow_request");
  expect(await requests()).toMatchObject({ subject: ada, count: 4, actors: JSON.stringify([fourth, third, second]) });
  await unfollows(third, ada);
  expect(await requests()).toMatchObject({ count: 3, actors: JSON.stringify([fourth, second, first]), isUnread: 1 });
  for (const other of [first, second, fourth]) await unfollows(other, ada);
  expect(await requests()).toMatchObject({ count: 0, actors: "[]", isUnread: 0 });
  expect(await entriesOf(ada)).toEqual([]);
});

it("finds the newest followers of a day and the newest requests by an index", async () => {
  const planOf = async (sql: string, ...values: unknown[]) => {
    const plan = await env.DB.prepare(
      `EXPLAIN QUERY PLAN SELECT follower FROM followers WHERE followee = ?1 AND ${sql}`,
    )
      .bind(...values)
      .all<{ detail: string }>();
    return plan.results.map(({ detail }) => detail);
  };
  const day = await planOf("told_in = ?2 ORDER BY since DESC, follower LIMIT 3", "x", dayOf(NOON));
  expect(day[0]).toContain("INDEX followers_told (followee=? AND told_in=?)");
  const waiting = await planOf(
    "pending = 1 AND (since, follower) < (?2, ?3) ORDER BY since DESC, follower DESC",
    "x",
    1,
    "",
  );
  expect(waiting).toEqual([expect.stringContaining("INDEX followers_pending (followee=? AND (since,follower)<")]);
});
