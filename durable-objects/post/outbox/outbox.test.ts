import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ALBUM_MAX } from "../../../schema/api/posts.ts";
import { EVERY_PART, type PostFacts } from "../../../schema/messages/facts.ts";
import type { PersonId } from "../../../schema/ids.ts";
import type { NotificationKind } from "../../../schema/notifications.ts";
import { flush, recordQueues } from "../../../tests/runtime/facts.ts";
import { NOTICE_WINDOW } from "./outbox.ts";
import { newPerson, newPost, publishedPost } from "../../../tests/runtime/posts.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const notice = (kind: NotificationKind, facts: PostFacts | undefined) =>
  facts?.notices?.list.find((told) => told.kind === kind);

/** Lets the clock of actors jump, so that what is under way counts as lost. */
const later = (ms: number) => vi.useFakeTimers({ now: Date.now() + ms, toFake: ["Date"] });

it("sends the post, its likes and comments together, and the post to its readers", async () => {
  const { post, actor } = await publishedPost();
  const [ada, ben] = [newPerson(), newPerson()];
  await actor.like(ada);
  await actor.comment({ author: ben, text: "Where is this?" });
  await flush(actor);

  expect(queues.facts).toEqual([
    expect.objectContaining({
      post: post.id,
      from: 1,
      to: 3,
      body: { caption: post.caption, media: post.media, editedAt: null, seq: 1 },
      standing: expect.objectContaining({ likes: 1, comments: 1, seq: 3 }),
      likes: [{ person: ada, liked: true, seq: 2 }],
      comments: [expect.objectContaining({ author: ben, text: "Where is this?", seq: 3 })],
    }),
  ]);
  expect(queues.fanOuts).toEqual([{ post: post.id, author: post.author }]);
});

it("folds what was taken back before it was sent", async () => {
  const { actor } = await publishedPost();
  const ada = newPerson();
  for (let n = 0; n < 5; n += 1) {
    await actor.like(ada);
    await actor.unlike(ada);
  }
  await flush(actor);
  expect(queues.facts.map(({ likes }) => likes)).toEqual([[{ person: ada, liked: false, seq: 11 }]]);
  expect(notice("like", queues.facts[0])).toMatchObject({ count: 0, actors: [] });
});

it("tells the author of others, never of themselves", async () => {
  const { post, actor } = await publishedPost();
  const ada = newPerson();
  await actor.like(post.author);
  await actor.comment({ author: post.author, text: "My own words" });
  await flush(actor);
  expect(queues.facts[0]?.notices?.list).toEqual([]);

  await actor.like(ada);
  await actor.comment({ author: ada, text: "Yours are better" });
  await flush(actor);
  expect(queues.facts[1]?.notices?.list).toMatchObject([
    { kind: "like", count: 1, actors: [ada] },
    { kind: "comment", count: 1, actors: [ada], excerpt: "Yours are better" },
  ]);
});

it("tells of what comes within ten seconds together, the first at once and the last in any case", async () => {
  const { post, actor } = await publishedPost();
  const counts = () => queues.facts.map((facts) => facts.notices && (notice("like", facts)?.count ?? 0));
  await flush(actor);
  for (let n = 1; n <= 6; n += 1) {
    await actor.like(newPerson());
    await flush(actor);
  }
  expect(counts()).toEqual([0, 1, undefined, undefined, undefined, undefined, undefined]);
  for (const { from, to, notices } of queues.facts) await actor.confirmProjected(from, to, notices);
  later(NOTICE_WINDOW);
  await flush(actor);
  expect(counts().slice(7)).toEqual([6]);
  expect(queues.facts.at(-1)).toMatchObject({ from: 8, to: 7, likes: [], notices: { from: 3, to: 7 } });

  // Lost, it is told again; confirmed, there is nothing left.
  later(NOTICE_WINDOW);
  await flush(actor);
  expect(counts().slice(8)).toEqual([6]);
  await actor.confirmProjected(8, 7, { from: 3, to: 7 });
  await actor.confirmDelivered(EVERY_PART);
  await flush(actor);
  expect(await flush(actor)).toBe(false);

  // What nobody is told of costs no message of its own.
  await actor.edit(post.author, { caption: "Ebb" });
  await flush(actor);
  const { from, to } = queues.facts.at(-1) ?? { from: 0, to: 0 };
  expect([from, to]).toEqual([8, 8]);
});

it("counts nothing as told while what came before it may be lost", async () => {
  const { actor } = await publishedPost();
  await flush(actor); // Lost, with nobody to tell.
  await actor.like(newPerson());
  await flush(actor);
  const second = queues.facts.at(-1);
  expect(second?.notices).toMatchObject({ from: 2, to: 2 });
  await actor.confirmProjected(2, 2, second?.notices);
  later(NOTICE_WINDOW);
  await flush(actor);
  expect(queues.facts.at(-1)).toMatchObject({ from: 1, to: 2, notices: { from: 1, to: 2, list: [{ count: 1 }] } });
});

it("is done only when it is confirmed", async () => {
  const { actor } = await publishedPost();
  await actor.like(newPerson());
  await flush(actor);
  expect(await flush(actor)).toBe(true); // Still waiting, so nothing was sent again yet.
  expect(queues.facts).toHaveLength(1);

  await actor.confirmProjected(1, 2, { from: 1, to: 2 });
  await actor.confirmDelivered(EVERY_PART);
  expect(await flush(actor)).toBe(true); // The alarm that was set before the confirmation finds nothing to do...
  expect(await flush(actor)).toBe(false); // ...and sets none.
  expect(queues.facts).toHaveLength(1);
});

it("sends again what a queue has lost, at growing distances", async () => {
  const { actor } = await publishedPost();
  await flush(actor);
  later(5001);
  await flush(actor);
  later(5001); // The second time it waits for 10 s.
  await flush(actor);
  expect(queues.facts.map(({ from, to }) => [from, to])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  later(5001);
  await flush(actor);
  expect(queues.facts).toHaveLength(3);
  expect(queues.fanOuts).toHaveLength(3);
});

it("sends again while new likes keep coming", async () => {
  const { actor } = await publishedPost();
  await flush(actor); // Lost.
  for (let second = 0; second < 6; second += 1) {
    later(1000);
    await actor.like(newPerson());
    await flush(actor);
    const last = queues.facts.at(-1);
    if (last && last.from > 1) await actor.confirmProjected(last.from, last.to); // A gap: it must not count.
  }
  expect(queues.facts.filter(({ from }) => from === 1)).toHaveLength(2);
  expect(queues.facts.at(-1)).toMatchObject({ from: 7, to: 7 });
});

it("sends again after its memory is lost", async () => {
  const { actor } = await publishedPost();
  await actor.like(newPerson());
  await flush(actor);
  await evictDurableObject(actor);
  await flush(actor);
  expect(queues.facts.map(({ from, to }) => [from, to])).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

it("goes on when a queue refuses, and sets the next alarm", async () => {
  const { actor } = await publishedPost();
  queues.sendFacts.mockRejectedValueOnce(new Error("queue down"));
  expect(await actor.like(newPerson())).toMatchObject({ ok: true });
  await flush(actor);
  expect(queues.facts).toHaveLength(0);
  await flush(actor);
  expect(queues.facts).toMatchObject([{ from: 1, to: 2 }]);
});

it("spreads many changes over messages that leave nothing out", async () => {
  const { actor } = await publishedPost();
  for (let n = 0; n < 20; n += 1) await actor.comment({ author: newPerson(), text: "x".repeat(100) });
  await flush(actor);
  expect(queues.facts.length).toBeGreaterThan(1);
  expect(queues.facts.flatMap(({ comments }) => comments.map(({ seq }) => seq))).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 2),
  );
  queues.facts.reduce((end, { from, to }) => {
    expect(from).toBe(end + 1);
    return to;
  }, 0);
});

it("sends what is waiting when the runtime has given up its alarm", async () => {
  const { actor } = await publishedPost();
  await actor.like(newPerson());
  await runInDurableObject(actor, (_, { storage }) => storage.deleteAlarm());
  await evictDurableObject(actor);
  await actor.state(); // As an audit, or any reader of the post, does.
  await flush(actor);
  expect(queues.facts).toMatchObject([{ from: 1, to: 2 }]);
});

it("tells the author of nothing that others do not see: neither what is hidden or gone, nor the replies to it", async () => {
  const { post, actor } = await publishedPost();
  const [ada, ben, cleo] = [newPerson(), newPerson(), newPerson()];
  await actor.comment({ author: ada, text: "Seen" });
  for (const state of ["hidden", "gone"] as const) {
    const parent = await actor.comment({ author: ben, text: "Rude" });
    if (!parent.ok) throw new Error(parent.reason);
    await actor.comment({ author: cleo, text: "Ruder", replyTo: parent.comment.id });
    if (state === "hidden") await actor.hideComment(post.author, parent.comment.id, true);
    else await actor.removeComment(post.author, parent.comment.id);
  }
  await flush(actor);
  expect(notice("comment", queues.facts.at(-1))).toMatchObject({ count: 1, actors: [ada], excerpt: "Seen" });
});

it("counts only a new comment as news: not that one was edited, liked or answered by the author", async () => {
  const { post, actor } = await publishedPost();
  const ada = newPerson();
  const raised = async () => {
    later(NOTICE_WINDOW);
    await flush(actor);
    return Math.max(...(notice("comment", queues.facts.at(-1))?.events ?? []).map((event) => event.raised));
  };
  const answer = await actor.comment({ author: ada, text: "Where?" });
  if (!answer.ok) throw new Error(answer.reason);
  const { id } = answer.comment;
  const first = await raised();
  await actor.editComment(ada, id, "Where is this?");
  await actor.likeComment(post.author, id, true);
  await actor.comment({ author: post.author, text: "At home", replyTo: id });
  expect(await raised()).toBe(first);
  await actor.comment({ author: ada, text: "Ah!", replyTo: id });
  expect(await raised()).toBeGreaterThan(first);
});

it("makes no message larger than a queue takes, however large the post and its comments are", async () => {
  const author = newPerson();
  const post = newPost(author);
  const large = "\u{1F469}\u200D\u{1F469}\u200D\u{1F467}".repeat(450); // 8,100 bytes.
  // As many bytes as text may have, and as many characters that JSON escapes as go with them.
  const alt = '"'.repeat(940) + `a${"\u0301".repeat(62)}`.repeat(58);
  const caption = '"'.repeat(2080) + `a${"\u0301".repeat(62)}`.repeat(114);
  const [picture] = post.media;
  if (!picture) throw new Error("a post has a picture");
  const media = Array.from({ length: ALBUM_MAX }, () => ({ ...picture, alt }));
  const actor = env.POSTS.getByName(post.id);
  await actor.publish({ ...post, caption, media });
  const people = Array.from({ length: 60 }, newPerson);
  for (const [index, person] of people.entries()) {
    await actor.like(person);
    if (index % 3 > 0) continue;
    const answer = await actor.comment({ author: person, text: large });
    if (answer.ok) for (const liker of people.slice(0, 10)) await actor.likeComment(liker, answer.comment.id, true);
  }
  await flush(actor);
  const sizes = queues.facts.map((facts) => new TextEncoder().encode(JSON.stringify(facts)).length);
  expect(Math.max(...sizes)).toBeLessThan(128_000);
  expect(queues.facts.filter(({ body }) => body)).toHaveLength(1);
  expect(queues.facts.flatMap(({ comments }) => comments)).toHaveLength(20);
  expect(queues.facts.flatMap(({ likes }) => likes)).toHaveLength(60);
  expect(queues.facts.flatMap(({ commentLikes }) => commentLikes)).toHaveLength(200);
  expect(queues.facts.at(-1)?.to).toBe(281);
  queues.facts.reduce((end, { from, to }) => {
    expect(from).toBe(end + 1);
    return to;
  }, 0);
});

it("makes no message too large of what people are told, however many are mentioned in however large words", async () => {
  const { post, actor } = await publishedPost();
  const large = `a${"\u0301".repeat(62)}`.repeat(60); // Characters of 125 bytes.
  for (let n = 0; n < 12; n += 1) {
    const mentions = Array.from({ length: 10 }, newPerson);
    await actor.comment({ author: newPerson(), text: large, mentions });
  }
  const root = await actor.comment({ author: newPerson(), text: large });
  if (!root.ok) throw new Error(root.reason);
  for (let n = 0; n < 80; n += 1) {
    await actor.comment({
      author: newPerson(),
      text: `${large} ${n}`,
      mentions: [newPerson()],
      replyTo: root.comment.id,
    });
  }
  await flush(actor);
  for (const { from, to, notices } of queues.facts) await actor.confirmProjected(from, to, notices);
  await actor.hideComment(post.author, root.comment.id, true);
  later(NOTICE_WINDOW);
  await flush(actor);
  const sizes = queues.facts.map((facts) => new TextEncoder().encode(JSON.stringify(facts)).length);
  expect(Math.max(...sizes)).toBeLessThan(128_000);
  const told = new Set(queues.facts.flatMap(({ notices }) => notices?.list ?? []).map(({ recipient }) => recipient));
  expect(told.size).toBe(120 + 80 + 2); // Those who are mentioned, who is answered, and the author.
  expect(queues.facts.at(-1)?.notices?.to).toBe(queues.facts.at(-1)?.standing.seq);
});

it("tells again whom a comment mentions only when the comment itself changes", async () => {
  const { actor } = await publishedPost();
  const [writer, mentioned] = [newPerson(), newPerson()];
  const said = await actor.comment({ author: writer, text: "You too?", mentions: [mentioned] });
  if (!said.ok) throw new Error(said.reason);
  const told = async () => {
    later(NOTICE_WINDOW);
    await flush(actor);
    const sent = queues.facts.splice(0);
    for (const { from, to, notices } of sent) await actor.confirmProjected(from, to, notices);
    return sent.flatMap(({ notices }) => notices?.list ?? []).filter(({ recipient }) => recipient === mentioned);
  };
  expect(await told()).toMatchObject([{ kind: "mention", count: 1, events: [{ actor: writer }] }]);
  await actor.likeComment(newPerson(), said.comment.id, true);
  expect(await told()).toEqual([]);
  await actor.removeComment(writer, said.comment.id);
  expect(await told()).toMatchObject([{ kind: "mention", count: 0 }]);
});

it("takes back what was told under a comment that is gone, from everybody", async () => {
  const { actor } = await publishedPost();
  const said = await actor.comment({ author: newPerson(), text: "Rude" });
  if (!said.ok) throw new Error(said.reason);
  const people = Array.from({ length: 25 }, newPerson);
  for (const person of people) {
    await actor.comment({ author: newPerson(), text: "Ruder", replyTo: said.comment.id, mentions: [person] });
  }
  const counts = new Map<PersonId, number>();
  const settle = async () => {
    later(NOTICE_WINDOW);
    await flush(actor);
    for (const { from, to, notices } of queues.facts.splice(0)) {
      for (const { recipient, count } of notices?.list ?? []) counts.set(recipient, count);
      await actor.confirmProjected(from, to, notices);
    }
  };
  await settle();
  expect(people.map((person) => counts.get(person))).toEqual(people.map(() => 1));
  await actor.removeComment(said.comment.author, said.comment.id);
  await settle();
  expect(people.map((person) => counts.get(person))).toEqual(people.map(() => 0));
});
