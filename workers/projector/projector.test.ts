import { env } from "cloudflare:workers";
import { createMessageBatch, getQueueResult, createExecutionContext } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { PostFacts } from "../../schema/messages/facts.ts";
import { ALL_FOLLOWER_PARTS } from "../../schema/messages/fan-out.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { NOTICE_WINDOW } from "../../durable-objects/post/outbox/outbox-policy.ts";
import { flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { readerFor } from "../../tests/runtime/world/reader.ts";
import { newPerson, newPost, oldest, publishedPost } from "../../tests/runtime/world/posts.ts";
import { newReader } from "../../tests/runtime/world/readers.ts";
import { threadOf } from "../reads/comments.ts";
import { likedAmong } from "../reads/documents.ts";
import { freshStats, knownPosts } from "../reads/stored-posts.ts";
import { feedSkeleton } from "../feeds/skeleton.ts";
import { inboxEntries } from "../notifications/inbox.ts";
import { audit } from "./audit.ts";
import { consumeFacts, project } from "./projector.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Reads a thread from D1. */
async function threadIn(person: PersonId, post: PostId, parent: CommentId | "" = "") {
  const thread = await threadOf(readerFor(person), post, { parent }, { after: undefined, limit: 50 });
  const comments = await thread.read(undefined, 50);
  return thread.pinned ? [thread.pinned, ...comments] : comments;
}

it("writes a post, its likes and its comments to D1, and a notification of each kind for the author", async () => {
  const { post, actor } = await publishedPost(await newReader());
  const [ada, ben] = [newPerson(), newPerson()];
  await actor.like(ada);
  await actor.like(ben);
  await actor.comment({ author: ben, text: "Where is this?" });
  await flush(actor);
  await project(env, queues.facts);

  expect((await freshStats(readerFor(), [post.id])).get(post.id)).toMatchObject({ likes: 2, comments: 1, seq: 4 });
  expect(await likedAmong(readerFor(), ada, [post.id])).toEqual(new Set([post.id]));
  expect(await threadIn(ada, post.id)).toMatchObject([{ author: ben }]);
  expect(await feedSkeleton(readerFor(), post.author, { before: undefined, limit: 10 })).toEqual([
    { post: post.id, likedByMe: false, followedAt: expect.any(String) as string },
  ]);
  const entries = await inboxEntries(readerFor(), post.author, undefined, 10);
  expect(entries.map(({ kind, count, unread }) => ({ kind, count, unread }))).toEqual(
    expect.arrayContaining([
      { kind: "like", count: 2, unread: 1 },
      { kind: "comment", count: 1, unread: 1 },
    ]),
  );
  expect(entries.find(({ kind }) => kind === "like")?.actors).toBe(JSON.stringify([ben, ada]));
});

it("confirms committed facts to the actor", async () => {
  const { actor } = await publishedPost();
  await actor.like(newPerson());
  await flush(actor);
  await project(env, queues.facts);
  await actor.confirmDelivered(ALL_FOLLOWER_PARTS);
  await flush(actor);
  expect(await flush(actor)).toBe(false);
});

const COMMANDS = [
  "like",
  "unlike",
  "comment",
  "reply",
  "edit",
  "remove",
  "hide",
  "restore",
  "pin",
  "likeComment",
  "unlikeComment",
  "caption",
  "policy",
  "flush",
] as const;
type Command = { who: number; which: number; does: (typeof COMMANDS)[number] };
const command: fc.Arbitrary<Command> = fc.record(
  { who: fc.nat({ max: 2 }), which: fc.nat({ max: 5 }), does: fc.constantFrom(...COMMANDS) },
  { noNullPrototype: true },
);

type World = { actor: Actor; author: PersonId; people: PersonId[]; comments: CommentId[] };
type Actor = Awaited<ReturnType<typeof publishedPost>>["actor"];

/** Runs a command. A refused one changes nothing, which is part of the history too. */
async function run({ actor, author, people, comments }: World, { who, which, does }: Command): Promise<void> {
  const person = people[who] ?? author;
  const comment = comments[which % Math.max(1, comments.length)];
  if (does === "flush") await flush(actor);
  else if (does === "like" || does === "unlike") await actor[does](person);
  else if (does === "caption") await actor.edit(author, { caption: `Caption ${which}` });
  else if (does === "policy") await actor.edit(author, { policy: which % 2 === 0 ? "everyone" : "followers" });
  else if (does === "comment" || does === "reply") {
    const replyTo = does === "reply" ? comment : undefined;
    const added = await actor.comment({ author: person, text: "Nice", replyTo, isFollower: true });
    if (added.ok) comments.push(added.comment.id);
  } else if (comment) {
    if (does === "edit") for (const someone of people) await actor.editComment(someone, comment, `Edited ${which}`);
    else if (does === "remove") await actor.removeComment(author, comment);
    else if (does === "pin") await actor.pinComment(author, comment, true);
    else if (does === "hide" || does === "restore") await actor.hideComment(author, comment, does === "hide");
    else await actor.likeComment(person, comment, does === "likeComment");
  }
}

const rowsOf = async (...key: string[]) => {
  const rows = await d1Of(env, key[0] as PersonId)
    .prepare("SELECT count, actors FROM notifications WHERE recipient = ? AND kind = ? AND subject = ?")
    .bind(...key)
    .all<{ count: number; actors: string }>();
  return rows.results;
};

it("reaches the same state, however its messages are repeated, reordered or delayed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { minLength: 3, maxLength: 25 }),
      fc.infiniteStream(fc.nat()),
      fc.boolean(),
      async (history, dice, isDeleted) => {
        const roll = (below: number) => dice.next().value % below;
        queues.facts.length = 0;
        const { post, actor } = await publishedPost();
        const people = [newPerson(), newPerson(), post.author];
        const world: World = { actor, author: post.author, people, comments: [] };
        for (const step of history) await run(world, step);
        await flush(actor);
        if (isDeleted) {
          await actor.remove(post.author);
          await flush(actor);
        }

        // Each message comes one to three times, in any order, in a batch of its own.
        const sent = queues.facts.flatMap((facts) => Array.from({ length: 1 + roll(3) }, () => facts));
        while (sent.length > 0) await project(env, sent.splice(roll(sent.length), 1));
        // A gap is not confirmed, so the actor sends everything after it again.
        for (const facts of queues.facts) await project(env, [facts]);

        const known = (await knownPosts(readerFor(), [post.id])).get(post.id);
        const entries = await inboxEntries(readerFor(), post.author, undefined, 10);
        if (isDeleted) {
          expect(known).toBeUndefined();
          // Entries about the author's comments are left out only when they are presented.
          expect(entries.filter(({ kind }) => kind === "like" || kind === "comment")).toEqual([]);
          return;
        }
        const truth = await actor.snapshot(undefined);
        if (!truth.ok) throw new Error("the post is gone");
        expect(known?.stats).toMatchObject({ ...truth.standing, projected: truth.standing.seq });
        expect(known?.document).toMatchObject(truth.body);
        const audited = await audit(env, post.id);
        expect(audited?.projection).toEqual(audited?.actor);
        for (const person of people) {
          const snapshot = await actor.snapshot(person);
          expect((await likedAmong(readerFor(), person, [post.id])).has(post.id)).toBe(snapshot.ok && snapshot.liked);
          const inActor = await actor.comments(person, oldest(50));
          if (!inActor.ok) throw new Error("the post is gone");
          const { pinned } = inActor;
          const others = inActor.comments.filter(({ id }) => id !== pinned?.id);
          expect(await threadIn(person, post.id)).toEqual(pinned ? [pinned, ...others] : others);
          for (const { id, replies } of inActor.comments) {
            const thread = await actor.comments(person, { ...oldest(50), parent: id });
            expect(thread.ok && thread.comments).toEqual(await threadIn(person, post.id, id));
            const shown = thread.ok ? thread.comments.filter(({ hidden }) => !hidden) : [];
            // Their writers see hidden ones as shown, but the count is the same for everybody.
            const own = shown.filter(({ author }) => author === person).length;
            expect(shown.length).toBeGreaterThanOrEqual(replies);
            expect(shown.length - own).toBeLessThanOrEqual(replies);
          }
        }
        const notices = queues.facts.flatMap((fact) => fact.notices?.list ?? []);
        const last = new Map(notices.map((notice) => [`${notice.recipient} ${notice.kind} ${notice.subject}`, notice]));
        for (const { recipient, kind, subject, count, actors } of last.values()) {
          const [stored] = await rowsOf(recipient, kind, subject);
          expect({ ...stored, actors: JSON.parse(stored?.actors ?? "[]") as unknown }).toEqual({ count, actors });
        }
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

it("shows no comment without those before it, whatever order messages come in", async () => {
  const { post, actor } = await publishedPost();
  const texts = Array.from({ length: 20 }, (_, n) => String(n));
  const made = [];
  for (const text of texts) made.push(await actor.comment({ author: newPerson(), text }));
  const [fourth] = made.slice(3);
  if (fourth?.ok) await actor.likeComment(newPerson(), fourth.comment.id, true); // The last message carries it now.
  await flush(actor);
  const shown = async () => (await threadIn(post.author, post.id)).map(({ text }) => text);
  const [first, ...others] = queues.facts;
  if (!first) throw new Error("nothing was sent");
  for (const facts of others.toReversed()) await project(env, [facts]);
  const early = await threadOf(readerFor(post.author), post.id, {}, { after: undefined, limit: 50 }).catch(String);
  expect(early).toContain("post_not_found"); // Its row is in the first message.
  await project(env, [first]);
  expect(await shown()).toEqual(texts.slice(0, 3));
  for (const facts of queues.facts) await project(env, [facts]);
  expect(await shown()).toEqual(texts);
});

it("counts facts as projected only if they come without a gap", async () => {
  const { post, actor } = await publishedPost();
  for (let n = 0; n < 20; n += 1) await actor.comment({ author: newPerson(), text: "Nice" });
  await flush(actor);
  const [first, second, third] = queues.facts;
  if (!first || !second || !third) throw new Error("20 comments should take three messages");
  const projected = async () => (await freshStats(readerFor(), [post.id])).get(post.id)?.projected;
  await project(env, [first]);
  expect(await projected()).toBe(first.to); // Even though its counts are the newest already.
  await project(env, [third]);
  expect(await projected()).toBe(first.to);
  await project(env, [second]);
  expect(await projected()).toBe(second.to);
  // The actor sends the rest again once it knows that nothing before it is missing.
  await project(env, [{ ...third, confirmed: second.to }]);
  expect(await projected()).toBe(21);
});

it("makes a notification unread again only for something new", async () => {
  const { post, actor } = await publishedPost();
  const [ada, ben] = [newPerson(), newPerson()];
  let now = Date.now();
  const unread = async () => {
    vi.useFakeTimers({ now: (now += NOTICE_WINDOW), toFake: ["Date"] });
    await flush(actor);
    await project(env, queues.facts);
    const [notice] = await inboxEntries(readerFor(), post.author, undefined, 10);
    return notice && { count: notice.count, unread: notice.unread };
  };
  await actor.like(ada);
  expect(await unread()).toEqual({ count: 1, unread: 1 });
  await d1Of(env, post.author)
    .prepare("UPDATE notifications SET seen = raised WHERE recipient = ?")
    .bind(post.author)
    .run();
  expect(await unread()).toEqual({ count: 1, unread: 0 });
  await actor.like(ben);
  expect(await unread()).toEqual({ count: 2, unread: 1 });
  await d1Of(env, post.author)
    .prepare("UPDATE notifications SET seen = raised WHERE recipient = ?")
    .bind(post.author)
    .run();
  await actor.unlike(ben);
  expect(await unread()).toEqual({ count: 1, unread: 0 });
  await actor.unlike(ada);
  expect(await unread()).toBeUndefined();
});

it("projects the other messages of a batch when one is malformed", async () => {
  const good = await publishedPost();
  const other = await publishedPost();
  await flush(good.actor);
  await flush(other.actor);
  const bodies: unknown[] = [queues.facts[0], { post: "nonsense" }, queues.facts[1]];
  const batch = createMessageBatch(
    "shutterline-facts",
    bodies.map((body, index) => ({ id: String(index), timestamp: new Date(), attempts: 1, body })),
  );
  await consumeFacts(batch, env);
  const result = await getQueueResult(batch, createExecutionContext());
  expect(result.explicitAcks.toSorted()).toEqual(["0", "1", "2"]);
  expect((await freshStats(readerFor(), [good.post.id, other.post.id])).size).toBe(2);
});

it.each([0, 1, 3])("shows a change once after its projection has failed %i times", async (failures) => {
  const { post, actor } = await publishedPost();
  const ada = newPerson();
  await actor.like(ada);
  await actor.comment({ author: ada, text: "Once" });
  await flush(actor);
  const database = d1Of(env, post.id);
  const batch = database.batch.bind(database);
  let left = failures * 2; // A batch is tried as a whole, then message by message.
  vi.spyOn(database, "batch").mockImplementation(async (statements) => {
    // The worst kind of failure: the write has happened, and only its response is lost.
    const results = await batch(statements);
    if (left === 0) return results;
    left -= 1;
    throw new Error("D1 is gone");
  });
  const deliver = async (attempts: number) => {
    const message = { id: "facts", timestamp: new Date(), attempts, body: queues.facts[0] };
    const messages = createMessageBatch("shutterline-facts", [message]);
    await consumeFacts(messages, env);
    return getQueueResult(messages, createExecutionContext());
  };
  let attempts = 1;
  while ((await deliver(attempts)).retryMessages.length > 0) attempts += 1;
  expect(attempts).toBeGreaterThanOrEqual(failures);
  expect((await freshStats(readerFor(), [post.id])).get(post.id)).toMatchObject({
    likes: 1,
    comments: 1,
    projected: 3,
  });
  expect(await threadIn(ada, post.id)).toHaveLength(1);
  expect((await inboxEntries(readerFor(), post.author, undefined, 10)).map(({ count }) => count)).toEqual([1, 1]);
  expect((await audit(env, post.id))?.verdict).toBe("equal");
});

it("writes 1 row per like, 1 digest per database, 1 for the counts and 2 for the notification", async () => {
  const { post, actor } = await publishedPost();
  const likers = Array.from({ length: 50 }, newPerson);
  for (const person of likers) await actor.like(person);
  await flush(actor);
  const written = await rowsWritten(() => project(env, queues.facts));
  // The post, its index and its feed entry; the author's count of posts has no row here.
  const publishing = 3;
  const digests = new Set(likers.map((person) => d1Of(env, person))).size;
  expect(written).toBe(likers.length + digests + 1 + 2 + publishing);
  expect((await freshStats(readerFor(), [post.id])).get(post.id)?.likes).toBe(50);
});

it("keeps the likes when the post's own row comes after them", async () => {
  const post = newPost();
  const fact: PostFacts = {
    post: post.id,
    author: post.author,
    from: 2,
    to: 2,
    confirmed: 0,
    commentsUpTo: "",
    standing: {
      likes: 1,
      comments: 0,
      seq: 2,
      bodySeq: 1,
      policy: "everyone",
      pinned: null,
      deleted: false,
      takenDown: false,
    },
    commentLikes: [],
    likes: [{ person: newPerson(), liked: true, seq: 2 }],
    comments: [],
  };
  await project(env, [fact]);
  await project(env, [
    {
      ...fact,
      from: 1,
      to: 1,
      standing: { ...fact.standing, likes: 0, seq: 1 },
      body: { ...post, editedAt: null, seq: 1 },
    },
  ]);
  expect((await freshStats(readerFor(), [post.id])).get(post.id)).toMatchObject({ likes: 1, seq: 2 });
});

/** Returns how many rows D1 reports as written while `work` runs, over all databases. */
async function rowsWritten(work: () => Promise<void>): Promise<number> {
  let rows = 0;
  const spies = [...new Set([env.DB, (env as unknown as { DB_1: D1Database }).DB_1])].map((database) => {
    const batch = database.batch.bind(database);
    return vi.spyOn(database, "batch").mockImplementation(async <T>(statements: D1PreparedStatement[]) => {
      const results = await batch<T>(statements);
      for (const { meta } of results) rows += meta.rows_written;
      return results;
    });
  });
  await work();
  for (const spy of spies) spy.mockRestore();
  return rows;
}
