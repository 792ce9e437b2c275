import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ALL_FOLLOWER_PARTS } from "../../schema/messages/fan-out.ts";
import { type CommentId, newId, type PostId } from "../../schema/ids.ts";
import { added, EMPTY, formatDigest } from "../../schema/set-hash.ts";
import { migrate } from "./migrate.ts";
import type { PostActor } from "./post-actor.ts";
import { migrations, TABLES } from "./post-tables.ts";
import { noteArrived, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { newPerson, newPost, oldest, publishedPost } from "../../tests/runtime/world/posts.ts";

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

it("counts a like once, however often it is repeated", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  expect(await actor.like(ada)).toEqual({ ok: true, likes: 1, comments: 0, seq: 2, liked: true, gates: 0 });
  expect(await actor.like(ada)).toEqual({ ok: true, likes: 1, comments: 0, seq: 2, liked: true, gates: 0 });
  expect(await actor.unlike(ada)).toEqual({ ok: true, likes: 0, comments: 0, seq: 3, liked: false, gates: 0 });
  expect(await actor.unlike(ada)).toEqual({ ok: true, likes: 0, comments: 0, seq: 3, liked: false, gates: 0 });
});

it("keeps everything when it is evicted from memory", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  await actor.like(ada);
  const { comment } = (await actor.comment({ author: ada, text: "Lovely light" })) as { comment: unknown };

  await evictDurableObject(actor);

  expect(await actor.snapshot(ada)).toMatchObject({ standing: { likes: 1, comments: 1, seq: 3 }, liked: true });
  expect(await actor.comments(undefined, oldest(10))).toMatchObject({ comments: [comment] });
});

it("keeps exactly what it has acknowledged when it crashes", async () => {
  const { post, actor } = await publishedPost();
  const [ada, ben] = [newPerson(), newPerson()];
  await actor.like(ada);
  await runInDurableObject(actor, (instance, state) => {
    void instance.like(ben); // Written, but not durable yet.
    state.abort("a crash");
  }).catch(() => undefined);
  const restarted = env.POSTS.getByName(post.id); // A stub is unusable after its object has crashed.
  expect(await restarted.snapshot(ada)).toMatchObject({ standing: { likes: 1, seq: 2 }, liked: true });
  expect(await restarted.snapshot(ben)).toMatchObject({ liked: false });
});

it("gives comments one order, even when the clock goes back", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  await actor.comment({ author: ada, text: "first" });
  vi.useFakeTimers({ now: Date.now() - 60_000, toFake: ["Date"] });
  try {
    await actor.comment({ author: ada, text: "second" });
  } finally {
    vi.useRealTimers();
  }
  await actor.comment({ author: ada, text: "third" });
  const page = await actor.comments(undefined, oldest(10));
  expect(page.ok && page.comments.map(({ text }) => text)).toEqual(["first", "second", "third"]);
});

it("pages through comments without a gap or a repeat", async () => {
  const { actor } = await publishedPost();
  for (let n = 0; n < 7; n += 1) await actor.comment({ author: newPerson(), text: String(n) });
  const seen: string[] = [];
  for (let after: CommentId | undefined; ;) {
    const page = await actor.comments(undefined, { ...oldest(3), after });
    if (!page.ok || page.comments.length === 0) break;
    seen.push(...page.comments.map(({ text }) => text));
    after = page.comments.at(-1)?.id;
  }
  expect(seen).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
});

it("publishes once: a repetition returns the present post, and different content finds the id taken", async () => {
  const post = newPost();
  const actor = env.POSTS.getByName(post.id);
  expect(await actor.publish(post)).toMatchObject({ standing: { likes: 0, comments: 0, seq: 1 } });
  await actor.like(newPerson());
  await actor.edit(post.author, { caption: "Ebb" });
  const now = { standing: { likes: 1, comments: 0, seq: 3 }, body: { caption: "Ebb" } };
  expect(await actor.publish(post)).toMatchObject(now);
  expect(await actor.publish({ ...post, caption: "Another" })).toBe(false);
  expect(await actor.publish({ ...post, author: newPerson() })).toBe(false);
});

it("makes one comment per key, and returns it each time", async () => {
  const { actor } = await publishedPost();
  const [ada, ben] = [newPerson(), newPerson()];
  const first = await actor.comment({ author: ada, text: "Once", key: "key" });
  expect(await actor.comment({ author: ada, text: "Once", key: "key" })).toEqual(first);
  await evictDurableObject(actor);
  expect(await actor.comment({ author: ada, text: "Once", key: "key" })).toEqual(first);
  expect(await actor.comment({ author: ada, text: "Else", key: "key" })).toEqual({
    ok: false,
    reason: "idempotency_key_reused",
  });
  // Keys of different people are separate.
  expect(await actor.comment({ author: ben, text: "Once", key: "key" })).toMatchObject({ ok: true, seq: 3 });
  expect(await actor.comment({ author: ada, text: "Once" })).toMatchObject({ ok: true, seq: 4 });
  if (first.ok) await actor.removeComment(ada, first.comment.id);
  const gone = { ok: false, reason: "comment_not_found" };
  expect(await actor.comment({ author: ada, text: "Once", key: "key" })).toEqual(gone);
});

it("forgets a key after a day", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  await actor.comment({ author: ada, text: "Good morning", key: "key" });
  vi.useFakeTimers({ now: Date.now() + 24 * 3_600_000, toFake: ["Date"] });
  try {
    expect(await actor.comment({ author: ada, text: "Good morning", key: "key" })).toMatchObject({ ok: true, seq: 3 });
    expect(await actor.comment({ author: ada, text: "Good morning", key: "key" })).toMatchObject({ ok: true, seq: 3 });
  } finally {
    vi.useRealTimers();
  }
});

it("refuses every command on a post that does not exist, and stores nothing for it", async () => {
  const actor = env.POSTS.getByName(newId<PostId>(1));
  const refusal = { ok: false, reason: "post_not_found" };
  expect(await actor.like(newPerson())).toEqual(refusal);
  expect(await actor.unlike(newPerson())).toEqual(refusal);
  expect(await actor.comment({ author: newPerson(), text: "hello?" })).toEqual(refusal);
  expect(await actor.snapshot(undefined)).toEqual(refusal);
  expect(await actor.comments(undefined, oldest(10))).toEqual(refusal);
  await noteArrived(actor, { from: 1, to: 1 });
  await actor.confirmDelivered(ALL_FOLLOWER_PARTS);
  await runInDurableObject(actor, (_, { storage }) => {
    const tables = storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '_cf_%'").toArray();
    expect(tables).toEqual([]);
  });
  expect(await runDurableObjectAlarm(actor)).toBe(false);
});

/** Returns the number of rows that a command writes, without the alarm. */
const rowsWritten = (actor: DurableObjectStub<PostActor>, command: (instance: PostActor) => unknown) =>
  runInDurableObject(actor, async (instance, { storage }) => {
    const exec = vi.spyOn(storage.sql, "exec");
    try {
      await command(instance);
      return exec.mock.results.reduce((sum, { value }) => sum + (value as SqlStorageCursor<never>).rowsWritten, 0);
    } finally {
      exec.mockRestore();
    }
  });

it("writes 1 row for a like, and none for one that changes nothing", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  const rows = (command: "like" | "unlike") => rowsWritten(actor, (instance) => instance[command](ada));
  expect(await rows("like")).toBe(1);
  expect(await rows("like")).toBe(0);
  expect(await rows("unlike")).toBe(1);
  expect(await rows("unlike")).toBe(0);
});

it("writes 4 rows for a comment, 6 for a reply, 1 more with a key, 5 for a like of a comment, 2 for a caption", async () => {
  const { post, actor } = await publishedPost();
  const ada = newPerson();
  const said = { author: ada, text: "Nice" };
  const first = await actor.comment(said);
  if (!first.ok) throw new Error(first.reason);
  const { id } = first.comment;
  const rows = (command: (instance: PostActor) => unknown) => rowsWritten(actor, command);
  expect(await rows((instance) => instance.comment(said))).toBe(4);
  expect(await rows((instance) => instance.comment({ ...said, key: "key" }))).toBe(5);
  expect(await rows((instance) => instance.comment({ ...said, key: "key" }))).toBe(0);
  expect(await rows((instance) => instance.comment({ ...said, replyTo: id }))).toBe(6);
  expect(await rows((instance) => instance.likeComment(ada, id, true))).toBe(5);
  expect(await rows((instance) => instance.likeComment(ada, id, true))).toBe(0);
  expect(await rows((instance) => instance.edit(post.author, { caption: "Ebb" }))).toBe(2);
  expect(await rows((instance) => instance.edit(post.author, { caption: "Ebb", policy: "everyone" }))).toBe(0);
});

it("writes 1 row for each new follower range, keeps them, and returns the ranges that are left", async () => {
  const { post, actor } = await publishedPost();
  const confirm = async (ranges: number) => {
    let left: number | undefined;
    const rows = await rowsWritten(actor, (instance) => {
      left = instance.confirmDelivered(ranges);
    });
    return { rows, left };
  };
  expect(await confirm(0)).toEqual({ rows: 0, left: ALL_FOLLOWER_PARTS });
  expect(await confirm(0b0000_0110)).toEqual({ rows: 1, left: 0b1111_1001 });
  expect(await confirm(0b0000_0010)).toEqual({ rows: 0, left: 0b1111_1001 });
  await evictDurableObject(actor);
  const again = env.POSTS.getByName(post.id);
  expect(await again.confirmDelivered(0b0000_0011)).toBe(0b1111_1000); // From a root that split differently.
  expect(await again.confirmDelivered(0b1111_1000)).toBe(0);
  expect(await again.confirmDelivered(0b0000_0001)).toBe(0);
});

it("sets no alarm for a command that changes nothing", async () => {
  const { post, actor } = await publishedPost();
  const answer = await actor.comment({ author: post.author, text: "Nice" });
  if (!answer.ok) throw new Error(answer.reason);
  await noteArrived(actor, { from: 1, to: 2 });
  await actor.confirmDelivered(ALL_FOLLOWER_PARTS);
  await runDurableObjectAlarm(actor);
  await actor.unlike(post.author);
  await actor.likeComment(post.author, answer.comment.id, false);
  await actor.pinComment(post.author, answer.comment.id, false);
  await actor.edit(post.author, { policy: "everyone" });
  expect(await runDurableObjectAlarm(actor)).toBe(false);
});

it("computes the digest from the likes when it migrates an older post", async () => {
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
  expect(await actor.state()).toMatchObject({ likes: 2, digest: formatDigest(likers.reduce(added, EMPTY)) });
});

it("creates the tables of a new post as its migrations would", async () => {
  // Added columns follow the last one without a line break, and comments are kept: neither matters.
  const normalized = (sql: string) =>
    sql
      .replace(/--.*/g, "")
      .replace(/\s+/g, " ")
      .replace(/ ?([(),]) ?/g, "$1");
  const tablesOf = (tables?: string) =>
    runInDurableObject(env.POSTS.getByName(newPost().id), (_, { storage }) => {
      migrate(storage, migrations, tables);
      const rows = storage.sql.exec<{ name: string; sql: string }>(
        "SELECT name, sql FROM sqlite_master WHERE sql <> ''",
      );
      return Object.fromEntries(rows.toArray().map(({ name, sql }) => [name, normalized(sql)]));
    });
  const migrated = await tablesOf();
  expect(Object.keys(migrated).length).toBeGreaterThan(8);
  expect(await tablesOf(TABLES)).toEqual(migrated);
});
