import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { newId, type PostId } from "../schema/ids.ts";
import { added, EMPTY, formatted } from "../schema/set-hash.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./post-tables.ts";
import { recordQueues } from "../tests/runtime/facts.ts";
import { newPerson, newPost, publishedPost } from "../tests/runtime/posts.ts";

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

it("counts a like once, however often it is repeated", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  expect(await actor.like(ada)).toEqual({ ok: true, likes: 1, comments: 0, seq: 2, liked: true });
  expect(await actor.like(ada)).toEqual({ ok: true, likes: 1, comments: 0, seq: 2, liked: true });
  expect(await actor.unlike(ada)).toEqual({ ok: true, likes: 0, comments: 0, seq: 3, liked: false });
  expect(await actor.unlike(ada)).toEqual({ ok: true, likes: 0, comments: 0, seq: 3, liked: false });
});

it("keeps everything when it is evicted from memory", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  await actor.like(ada);
  const { comment } = (await actor.comment(ada, "Lovely light")) as { comment: unknown };

  await evictDurableObject(actor);

  expect(await actor.snapshot(ada)).toEqual({ ok: true, likes: 1, comments: 1, seq: 3, liked: true });
  expect(await actor.comments(undefined, 10)).toEqual({ ok: true, comments: [comment] });
});

it("gives comments one order, even when the clock goes back", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  await actor.comment(ada, "first");
  vi.useFakeTimers({ now: Date.now() - 60_000, toFake: ["Date"] });
  try {
    await actor.comment(ada, "second");
  } finally {
    vi.useRealTimers();
  }
  await actor.comment(ada, "third");
  const page = await actor.comments(undefined, 10);
  expect(page.ok && page.comments.map(({ text }) => text)).toEqual(["first", "second", "third"]);
});

it("pages through comments without a gap or a repeat", async () => {
  const { actor } = await publishedPost();
  for (let n = 0; n < 7; n += 1) await actor.comment(newPerson(), String(n));
  const seen: string[] = [];
  for (let after: Parameters<typeof actor.comments>[0]; ;) {
    const page = await actor.comments(after, 3);
    if (!page.ok || page.comments.length === 0) break;
    seen.push(...page.comments.map(({ text }) => text));
    after = page.comments.at(-1)?.id;
  }
  expect(seen).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
});

it("publishes once: the same again is answered the same way, anything else finds the id taken", async () => {
  const post = newPost();
  const actor = env.POSTS.getByName(post.id);
  expect(await actor.publish(post)).toEqual({ likes: 0, comments: 0, seq: 1 });
  await actor.like(newPerson());
  expect(await actor.publish(post)).toEqual({ likes: 1, comments: 0, seq: 2 });
  expect(await actor.publish({ ...post, caption: "Another" })).toBe(false);
  expect(await actor.publish({ ...post, author: newPerson() })).toBe(false);
});

it("makes one comment of a key, and answers with it each time", async () => {
  const { actor } = await publishedPost();
  const [ada, ben] = [newPerson(), newPerson()];
  const first = await actor.comment(ada, "Once", "key");
  expect(await actor.comment(ada, "Once", "key")).toEqual(first);
  await evictDurableObject(actor);
  expect(await actor.comment(ada, "Once", "key")).toEqual(first);
  expect(await actor.comment(ada, "Else", "key")).toEqual({ ok: false, reason: "idempotency_key_reused" });
  expect(await actor.comment(ben, "Once", "key")).toMatchObject({ ok: true, comments: 2 }); // A key is a person's own.
  expect(await actor.comment(ada, "Once")).toMatchObject({ ok: true, comments: 3 });
});

it("forgets a key after a day", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  await actor.comment(ada, "Good morning", "key");
  vi.useFakeTimers({ now: Date.now() + 24 * 3_600_000, toFake: ["Date"] });
  try {
    expect(await actor.comment(ada, "Good morning", "key")).toMatchObject({ ok: true, comments: 2 });
    expect(await actor.comment(ada, "Good morning", "key")).toMatchObject({ ok: true, comments: 2 });
  } finally {
    vi.useRealTimers();
  }
});

it("refuses everything about a post that does not exist, and stores nothing for it", async () => {
  const actor = env.POSTS.getByName(newId<PostId>(1));
  const refusal = { ok: false, reason: "post_not_found" };
  expect(await actor.like(newPerson())).toEqual(refusal);
  expect(await actor.unlike(newPerson())).toEqual(refusal);
  expect(await actor.comment(newPerson(), "hello?")).toEqual(refusal);
  expect(await actor.snapshot(undefined)).toEqual(refusal);
  expect(await actor.comments(undefined, 10)).toEqual(refusal);
  await actor.confirmProjected(1, 1);
  await actor.confirmDelivered(true);
  await runInDurableObject(actor, (_, { storage }) => {
    const tables = storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '_cf_%'").toArray();
    expect(tables).toEqual([]);
  });
  expect(await runDurableObjectAlarm(actor)).toBe(false);
});

it("writes 3 rows for a like, and none for one that changes nothing", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  const rows = (command: "like" | "unlike") =>
    runInDurableObject(actor, (instance, { storage }) => {
      const exec = vi.spyOn(storage.sql, "exec");
      try {
        instance[command](ada);
        return exec.mock.results.reduce((sum, { value }) => sum + (value as SqlStorageCursor<never>).rowsWritten, 0);
      } finally {
        exec.mockRestore();
      }
    });
  expect(await rows("like")).toBe(3); // The like, its place in the outbox, the post.
  expect(await rows("like")).toBe(0);
  expect(await rows("unlike")).toBe(3);
  expect(await rows("unlike")).toBe(0);
});

it("takes the people who like an older post into its digest when it upgrades itself", async () => {
  const post = newPost();
  const likers = [newPerson(), newPerson()];
  const actor = env.POSTS.getByName(post.id);
  await runInDurableObject(actor, (_, { storage }) => {
    migrate(storage, migrations.slice(0, 2));
    storage.sql.exec("INSERT INTO post VALUES (?, ?, '', '[]', 1, 4, 2, 0, 0, 4, 1)", post.id, post.author);
    for (const [index, person] of likers.entries()) {
      storage.sql.exec("INSERT INTO likes VALUES (?, 1, ?, 0)", person, index + 2);
    }
    storage.sql.exec("INSERT INTO likes VALUES (?, 0, 4, 0)", newPerson());
  });
  await evictDurableObject(actor);
  expect(await actor.state()).toMatchObject({ likes: 2, digest: formatted(likers.reduce(added, EMPTY)) });
});
