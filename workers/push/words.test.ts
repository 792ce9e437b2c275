import { expect, it } from "vitest";
import { NotificationKind } from "../../schema/notifications.ts";
import { newPerson } from "../../tests/runtime/posts.ts";
import { pushOf, summaryOf, type Told } from "./words.ts";

const NOW = { version: 7, at: 1000 };
const people = (...names: string[]) => names.map((name) => ({ id: newPerson(), handle: name.toLowerCase(), name }));
const said = async (told: Told) => {
  const { title, body, url } = (await pushOf(newPerson(), "subject", told, NOW)).payload;
  return [title, body, url].filter((text) => text !== "").join(" | ");
};

it("says what the inbox says, of every kind", async () => {
  const actors = people("Ada");
  const post = { id: "01m3qk7vt4xe9" };
  const found: Record<string, string> = {};
  for (const kind of NotificationKind.options) {
    const isAboutPost = !["follow", "follow_request", "request_accepted"].includes(kind);
    const isWritten = ["comment", "reply", "mention"].includes(kind);
    found[kind] = await said({
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
    request_accepted: "Ada accepted your request to follow | /people/ada",
    new_post: "Ada published a post | /posts/01m3qk7vt4xe9",
  });
});

it("names three, and counts the others where each is a person", async () => {
  const actors = people("Ada", "Ben", "Cleo");
  const post = { id: "01m3qk7vt4xe9" };
  expect(await said({ kind: "like", actors, count: 44, post })).toContain("Ada, Ben, Cleo and 41 others liked");
  expect(await said({ kind: "like", actors, count: 4, post })).toContain("and 1 other liked");
  expect(await said({ kind: "comment", actors, count: 44, post })).toContain("Ada, Ben and Cleo left 44 comments");
  expect(await said({ kind: "reply", actors, count: 2, post })).toContain("left 2 replies");
  expect(await said({ kind: "follow", actors, count: 15 })).toContain("and 12 others follow you | /notifications");
  expect((await summaryOf(newPerson(), 1, 0)).payload.title).toBe("1 more notification");
});

it("fits into a push whatever people call themselves and write", async () => {
  const family = "👨‍👩‍👧‍👦";
  for (const [name, excerpt] of [
    [family.repeat(16), family.repeat(1000)],
    ['\u0000"\\'.repeat(50), '\u2028"\\'.repeat(3000)],
    ["x".repeat(50), "y".repeat(8192)],
  ] as const) {
    const told = { kind: "comment", actors: people(name, name, name), count: 3, excerpt } as const;
    const { payload } = await pushOf(newPerson(), "01m3qk7vt4xe9", told, NOW);
    expect(new TextEncoder().encode(JSON.stringify(payload)).length).toBeLessThan(3993);
    expect(payload.title).not.toBe("");
    expect(payload.title.isWellFormed() && payload.body.isWellFormed()).toBe(true);
  }
});

it("gives each entry of each person a topic of its own, which tells nothing", async () => {
  const told = { kind: "like", actors: people("Ada"), count: 1 } as const;
  const [ada, ben] = [newPerson(), newPerson()];
  const topics = await Promise.all([
    pushOf(ada, "post", told, NOW),
    pushOf(ada, "post", { ...told, count: 9 }, { version: 8, at: 2 }),
    pushOf(ada, "other", told, NOW),
    pushOf(ada, "post", { ...told, kind: "comment" }, NOW),
    pushOf(ben, "post", told, NOW),
  ]);
  const [first, same, ...others] = topics.map(({ topic }) => topic);
  expect(same).toBe(first);
  expect(new Set([first, ...others]).size).toBe(4);
  for (const topic of others) expect(topic).toMatch(/^[\w-]{32}$/);
});
