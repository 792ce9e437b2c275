import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ALBUM_MAX } from "../../../schema/api/posts.ts";
import type { PostFacts } from "../../../schema/messages/facts.ts";
import { ALL_FOLLOWER_PARTS } from "../../../schema/messages/fan-out.ts";
import type { PersonId } from "../../../schema/ids.ts";
import type { NotificationKind } from "../../../schema/notifications.ts";
import { noteArrived, flush, recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { NOTICE_WINDOW } from "./outbox-policy.ts";
import { RETRY_DELAY } from "./sending.ts";
import { newPerson, newPost, publishedPost } from "../../../tests/runtime/world/posts.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const notice = (kind: NotificationKind, facts: PostFacts | undefined) =>
  facts?.notices?.list.find((candidate) => candidate.kind === kind);

/** Advances the clock of the actors, so that messages under way count as lost. */
const later = (ms: number) => vi.useFakeTimers({ now: Date.now() + ms, toFake: ["Date"] });

it("sends the post with its likes and comments to the projector, and the post to fan-out", async () => {
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

it("hands a lone like to its caller, and gathers those of the next 200 ms", async () => {
  const { actor } = await publishedPost();
  await flush(actor);
  queues.facts.length = 0;
  later(2000);
  const liked = await actor.like(newPerson(), { takes: true });
  expect(liked).toMatchObject({
    ok: true,
    facts: { from: 2, to: 2, likes: [{ seq: 2 }], notices: { to: 2 } },
  });
  await flush(actor);
  expect(queues.facts).toEqual([]);
  expect(await actor.like(newPerson(), { takes: true })).not.toHaveProperty("facts");
  await flush(actor);
  expect(queues.facts).toMatchObject([{ from: 3, to: 3 }]);
  later(2000);
  const said = await actor.comment({ author: newPerson(), text: "And this?" }, { takes: true });
  expect(said).toMatchObject({ ok: true, facts: { from: 4, to: 4, comments: [{ text: "And this?" }] } });
});

it("folds likes that were taken back before they were sent", async () => {
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

it("notifies the author of what others do, not of their own likes and comments", async () => {
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

it("sends the first notice at once, then one for each ten seconds, and loses none", async () => {
  const { post, actor } = await publishedPost();
  const counts = () => queues.facts.map((facts) => facts.notices && (notice("like", facts)?.count ?? 0));
  await flush(actor);
  for (let n = 1; n <= 6; n += 1) {
    await actor.like(newPerson());
    await flush(actor);
  }
  expect(counts()).toEqual([0, 1, undefined, undefined, undefined, undefined, undefined]);
  for (const { from, to, notices } of queues.facts) await noteArrived(actor, { from, to, notices });
  later(NOTICE_WINDOW);
  await flush(actor);
  expect(counts().slice(7)).toEqual([6]);
  expect(queues.facts.at(-1)).toMatchObject({ from: 8, to: 7, likes: [], notices: { from: 3, to: 7 } });

  // A lost notice is sent again, here after the doubled delay; after the confirmation there is nothing left.
  later(2 * RETRY_DELAY);
  await flush(actor);
  expect(counts().slice(8)).toEqual([6]);
  await noteArrived(actor, { from: 8, to: 7, notices: { from: 3, to: 7 } });
  await actor.confirmDelivered(ALL_FOLLOWER_PARTS);
  await flush(actor);
  expect(await flush(actor)).toBe(false);

  // A change without a notice costs no message of its own for notices.
  await actor.edit(post.author, { caption: "Ebb" });
  await flush(actor);
  const { from, to } = queues.facts.at(-1) ?? { from: 0, to: 0 };
  expect([from, to]).toEqual([8, 8]);
});

it("does not count notices as confirmed while earlier ones may be lost", async () => {
  const { actor } = await publishedPost();
  await flush(actor); // Lost; it has no notices.
  await actor.like(newPerson());
  await flush(actor);
  const second = queues.facts.at(-1);
  expect(second?.notices).toMatchObject({ from: 2, to: 2 });
  await noteArrived(actor, { from: 2, to: 2, notices: second?.notices });
  later(NOTICE_WINDOW);
  await flush(actor);
  // What was lost is sent again apart: the facts, and then the notices without facts.
  expect(queues.facts.slice(-2)).toMatchObject([
    { from: 1, to: 2 },
    { from: 3, to: 2, notices: { from: 1, to: 2, list: [{ count: 1 }] } },
  ]);
  expect(queues.facts.at(-2)).not.toHaveProperty("notices");
});

it("finishes only when everything is confirmed", async () => {
  const { actor } = await publishedPost();
  await actor.like(newPerson());
  await flush(actor);
  expect(await flush(actor)).toBe(true); // Still waiting, so nothing is sent again yet.
  expect(queues.facts).toHaveLength(1);

  await noteArrived(actor, { from: 1, to: 2, notices: { from: 1, to: 2 } });
  await actor.confirmDelivered(ALL_FOLLOWER_PARTS);
  expect(await flush(actor)).toBe(true); // The alarm that was set before the confirmation finds nothing to do...
  expect(await flush(actor)).toBe(false); // ...and sets none.
  expect(queues.facts).toHaveLength(1);
});

it("resends what a queue has lost, at growing intervals", async () => {
  const { actor } = await publishedPost();
  await flush(actor);
  later(RETRY_DELAY + 1);
  await flush(actor);
  later(RETRY_DELAY + 1); // The second wait is twice as long.
  await flush(actor);
  expect(queues.facts.map(({ from, to }) => [from, to])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  later(RETRY_DELAY + 1);
  await flush(actor);
  expect(queues.facts).toHaveLength(3);
  expect(queues.fanOuts).toHaveLength(3);
});

it("resends lost messages while new likes keep coming", async () => {
  const { actor } = await publishedPost();
  await flush(actor); // Lost.
  for (let second = 0; second < 11; second += 1) {
    later(1000);
    await actor.like(newPerson());
    await flush(actor);
    const last = queues.facts.at(-1);
    if (last && last.from > 1) await noteArrived(actor, { from: last.from, to: last.to }); // Follows a gap, so it must not count.
  }
  expect(queues.facts.filter(({ from }) => from === 1)).toHaveLength(2);
  expect(queues.facts.at(-1)).toMatchObject({ from: 12, to: 12 });
});

it("resends after its memory is lost", async () => {
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

it("sets the next alarm and retries when a queue refuses", async () => {
  const { actor } = await publishedPost();
  queues.sendFacts.mockRejectedValueOnce(new Error("queue down"));
  expect(await actor.like(newPerson())).toMatchObject({ ok: true });
  await flush(actor);
  expect(queues.facts).toHaveLength(0);
  await flush(actor);
  expect(queues.facts).toMatchObject([{ from: 1, to: 2 }]);
});

it("splits many changes into messages without leaving any out", async () => {
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

it("sends pending changes after the runtime has given up on its alarm", async () => {
  const { actor } = await publishedPost();
  await actor.like(newPerson());
  await runInDurableObject(actor, (_, { storage }) => storage.deleteAlarm());
  await evictDurableObject(actor);
  await actor.state(); // As an audit or any read of the post would.
  await vi.waitFor(async () => expect(await flush(actor)).toBe(true));
  expect(queues.facts.at(-1)).toMatchObject({ from: 1, to: 2 });
});

it("does not notify the author of hidden or deleted comments, nor of the replies to them", async () => {
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

it("raises an event for a new comment only, not for an edit, a like or a reply by the author", async () => {
  const { post, actor } = await publishedPost();
  const ada = newPerson();
  const raised = async () => {
    later(NOTICE_WINDOW);
    await flush(actor);
    const sent = queues.facts.splice(0);
    for (const { from, to, notices } of sent) await noteArrived(actor, { from, to, notices });
    return sent.flatMap((facts) => (notice("comment", facts)?.events ?? []).map((event) => event.raised));
  };
  const answer = await actor.comment({ author: ada, text: "Where?" });
  if (!answer.ok) throw new Error(answer.reason);
  const { id } = answer.comment;
  const [first = 0, ...others] = await raised();
  expect(others).toEqual([]);
  await actor.editComment(ada, id, "Where is this?");
  await actor.likeComment(post.author, id, true);
  await actor.comment({ author: post.author, text: "At home", replyTo: id });
  expect(await raised()).toEqual([first]); // The same event, which raises nothing a second time.
  await actor.comment({ author: ada, text: "Ah!", replyTo: id });
  expect(Math.max(...(await raised()))).toBeGreaterThan(first);
});

it("keeps messages within the queue's limit, however large the post and its comments are", async () => {
  const author = newPerson();
  const post = newPost(author);
  const large = "\u{1F469}\u200D\u{1F469}\u200D\u{1F467}".repeat(450); // 8,100 bytes.
  // The most bytes that text may have, with as many characters that JSON escapes as fit.
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

it("keeps messages with notices within the limit, however many people large comments mention", async () => {
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
  for (const { from, to, notices } of queues.facts) await noteArrived(actor, { from, to, notices });
  await actor.hideComment(post.author, root.comment.id, true);
  later(NOTICE_WINDOW);
  await flush(actor);
  const sizes = queues.facts.map((facts) => new TextEncoder().encode(JSON.stringify(facts)).length);
  expect(Math.max(...sizes)).toBeLessThan(128_000);
  const notified = new Set(
    queues.facts.flatMap(({ notices }) => notices?.list ?? []).map(({ recipient }) => recipient),
  );
  expect(notified.size).toBe(120 + 80 + 2); // The people mentioned, the one replied to, and the author.
  expect(queues.facts.at(-1)?.notices?.to).toBe(queues.facts.at(-1)?.standing.seq);
});

it("repeats the notice of a mention only when the comment itself changes", async () => {
  const { actor } = await publishedPost();
  const [writer, mentioned] = [newPerson(), newPerson()];
  const said = await actor.comment({ author: writer, text: "You too?", mentions: [mentioned] });
  if (!said.ok) throw new Error(said.reason);
  const sentToMentioned = async () => {
    later(NOTICE_WINDOW);
    await flush(actor);
    const sent = queues.facts.splice(0);
    for (const { from, to, notices } of sent) await noteArrived(actor, { from, to, notices });
    return sent.flatMap(({ notices }) => notices?.list ?? []).filter(({ recipient }) => recipient === mentioned);
  };
  expect(await sentToMentioned()).toMatchObject([{ kind: "mention", count: 1, events: [{ actor: writer }] }]);
  await actor.likeComment(newPerson(), said.comment.id, true);
  expect(await sentToMentioned()).toEqual([]);
  await actor.removeComment(writer, said.comment.id);
  expect(await sentToMentioned()).toMatchObject([{ kind: "mention", count: 0 }]);
});

it("takes back the notices of all replies under a deleted comment", async () => {
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
      await noteArrived(actor, { from, to, notices });
    }
  };
  await settle();
  expect(people.map((person) => counts.get(person))).toEqual(people.map(() => 1));
  await actor.removeComment(said.comment.author, said.comment.id);
  await settle();
  expect(people.map((person) => counts.get(person))).toEqual(people.map(() => 0));
});

it("takes back the notices of the likes of replies under a deleted comment", async () => {
  const { actor } = await publishedPost();
  const [ada, ben] = [newPerson(), newPerson()];
  const top = await actor.comment({ author: ada, text: "Where is this?" });
  if (!top.ok) throw new Error(top.reason);
  const reply = await actor.comment({ author: ada, text: "Found it", replyTo: top.comment.id });
  if (!reply.ok) throw new Error(reply.reason);
  await actor.likeComment(ben, reply.comment.id, true);
  await flush(actor);
  expect(notice("comment_like", queues.facts.at(-1))).toMatchObject({ recipient: ada, count: 1 });
  for (const { from, to, notices } of queues.facts.splice(0)) await noteArrived(actor, { from, to, notices });

  await actor.removeComment(ada, top.comment.id);
  later(NOTICE_WINDOW);
  await flush(actor);
  expect(notice("comment_like", queues.facts.at(-1))).toMatchObject({ subject: reply.comment.id, count: 0 });
});
