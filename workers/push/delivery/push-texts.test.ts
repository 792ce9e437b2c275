import { expect, it } from "vitest";
import type { PersonCard } from "../../../schema/api/people.ts";
import { type MediaId, newId } from "../../../schema/ids.ts";
import { NotificationKind } from "../../../schema/notifications.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { type NotificationContent, pushOf, summaryOf } from "./push-texts.ts";

const NOW = { version: 7, at: 1000 };
const people = (...names: string[]) => names.map((name) => ({ id: newPerson(), handle: name.toLowerCase(), name }));
const textOf = async (notification: NotificationContent) => {
  const { title, body, url } = (await pushOf(newPerson(), "subject", notification, NOW)).payload;
  return [title, body, url].filter((text) => text !== "").join(" | ");
};

it("has a text and a link for every kind of notification", async () => {
  const actors = people("Ada");
  const post = { id: "01m3qk7vt4xe9" };
  const found: Record<string, string> = {};
  for (const kind of NotificationKind.options) {
    const isAboutPost = !["follow", "follow_request", "request_accepted"].includes(kind);
    const isWritten = ["comment", "reply", "mention"].includes(kind);
    found[kind] = await textOf({
      kind,
      actors,
      count: 1,
      ...(isAboutPost && { post }),
      ...(isWritten && { excerpt: "Low tide" }),
    });
  }
  expect(found).toEqual({
    like: "Ada liked your post | /posts/01m3qk7vt4xe9",
    comment: "Ada commented on your post | “Low tide” | /posts/01m3qk7vt4xe9",
    reply: "Ada replied to you | “Low tide” | /posts/01m3qk7vt4xe9",
    mention: "Ada mentioned you | “Low tide” | /posts/01m3qk7vt4xe9",
    comment_like: "Ada liked your comment | /posts/01m3qk7vt4xe9",
    follow: "Ada follows you | /people/ada",
    follow_request: "Ada wants to follow you | /notifications",
    request_accepted: "Ada accepted your follow request | /people/ada",
    new_device: "New sign-in to your account | /settings/security",
    moderation: "A moderator has made a decision about you | /decisions",
    new_post: "Ada published a new post | /posts/01m3qk7vt4xe9",
  });
});

it("shows the picture of the newest person, where it names people", async () => {
  const [ada, ben] = people("Ada", "Ben");
  const picture = newId<MediaId>(0);
  const iconOf = async (kind: NotificationKind, ...actors: PersonCard[]) =>
    (await pushOf(newPerson(), "subject", { kind, actors, count: 1 }, NOW)).payload.icon;
  if (!ada || !ben) throw new Error("nobody");
  expect(await iconOf("follow", { ...ada, picture }, ben)).toBe(`/media/${picture}/s192`);
  expect(await iconOf("follow", ben, { ...ada, picture })).toBeUndefined();
  expect(await iconOf("new_device", { ...ada, picture })).toBeUndefined();
});

it("names three people, and counts the others for kinds with one event per person", async () => {
  const actors = people("Ada", "Ben", "Cleo");
  const post = { id: "01m3qk7vt4xe9" };
  expect(await textOf({ kind: "like", actors, count: 44, post })).toContain("Ada, Ben, Cleo and 41 others liked");
  expect(await textOf({ kind: "like", actors, count: 4, post })).toContain("and 1 other liked");
  expect(await textOf({ kind: "comment", actors, count: 44, post })).toContain("Ada, Ben and Cleo left 44 comments");
  expect(await textOf({ kind: "reply", actors, count: 2, post })).toContain("left 2 replies");
  expect(await textOf({ kind: "follow", actors, count: 15 })).toContain("and 12 others follow you | /notifications");
  expect((await summaryOf(newPerson(), 1, 0)).payload.title).toBe("1 more notification");
});

it("fits into a push, however long names and texts are", async () => {
  const family = "👨‍👩‍👧‍👦";
  for (const [name, excerpt] of [
    [family.repeat(16), family.repeat(1000)],
    ['\u0000"\\'.repeat(50), '\u2028"\\'.repeat(3000)],
    ["x".repeat(50), "y".repeat(8192)],
  ] as const) {
    const notification = { kind: "comment", actors: people(name, name, name), count: 3, excerpt } as const;
    const { payload } = await pushOf(newPerson(), "01m3qk7vt4xe9", notification, NOW);
    expect(new TextEncoder().encode(JSON.stringify(payload)).length).toBeLessThan(3993);
    expect(payload.title).not.toBe("");
    expect(payload.title.isWellFormed() && payload.body.isWellFormed()).toBe(true);
  }
});

it("gives each notification of each person its own opaque topic", async () => {
  const notification = { kind: "like", actors: people("Ada"), count: 1 } as const;
  const [ada, ben] = [newPerson(), newPerson()];
  const topics = await Promise.all([
    pushOf(ada, "post", notification, NOW),
    pushOf(ada, "post", { ...notification, count: 9 }, { version: 8, at: 2 }),
    pushOf(ada, "other", notification, NOW),
    pushOf(ada, "post", { ...notification, kind: "comment" }, NOW),
    pushOf(ben, "post", notification, NOW),
  ]);
  const [first, same, ...others] = topics.map(({ topic }) => topic);
  expect(same).toBe(first);
  expect(new Set([first, ...others]).size).toBe(4);
  for (const topic of others) expect(topic).toMatch(/^[\w-]{32}$/);
});
