import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { QUEUE_TIME } from "../../durable-objects/post/outbox/outbox-policy.ts";
import { RETRY_DELAY } from "../../durable-objects/post/outbox/sending.ts";
import type { HandedOut } from "../../durable-objects/post/post-results.ts";
import { ALL_FOLLOWER_PARTS } from "../../schema/messages/fan-out.ts";
import type { PostFacts } from "../../schema/messages/facts.ts";
import { flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { newPerson, newPost, publishedPost } from "../../tests/runtime/world/posts.ts";
import { readerFor } from "../../tests/runtime/world/reader.ts";
import { freshStats } from "../reads/stored-posts.ts";
import { deliverSoon } from "./handed-out.ts";
import { project } from "./projector.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const later = (ms: number) => vi.useFakeTimers({ now: Date.now() + ms, toFake: ["Date"] });

/** Delivers what an actor has handed out, as a request of its own. */
async function deliver(handed: HandedOut): Promise<void> {
  const context = createExecutionContext();
  deliverSoon(env, context, handed);
  await waitOnExecutionContext(context);
}

/** A post in D1 whose actor knows that, and has sent nothing for so long that it hands out. */
async function restingPost() {
  const { post, actor } = await publishedPost();
  await flush(actor);
  await project(env, queues.facts.splice(0));
  await actor.confirmDelivered(ALL_FOLLOWER_PARTS);
  await actor.state();
  later(QUEUE_TIME);
  return { id: post.id, actor };
}
type Actor = Awaited<ReturnType<typeof restingPost>>["actor"];

async function handedOut(actor: Actor): Promise<{ facts: PostFacts }> {
  const liked = await actor.like(newPerson(), { takes: true });
  if (!liked.ok || !liked.facts) throw new Error("nothing was handed out");
  return { facts: liked.facts };
}

const likesOf = async (id: PostFacts["post"]) => (await freshStats(readerFor(), [id])).get(id)?.likes;

it("projects what several requests were handed in one batch, and the actors find it there", async () => {
  const posts = [await restingPost(), await restingPost(), await restingPost()];
  const batch = vi.spyOn(d1Of(env, posts[0]?.id ?? ("" as never)), "batch");
  const handed = await Promise.all(posts.map(({ actor }) => handedOut(actor)));
  await Promise.all(handed.map(deliver));
  const written = batch.mock.calls.length;
  expect(await Promise.all(posts.map(({ id }) => likesOf(id)))).toEqual([1, 1, 1]);
  // The people's part, the posts' part, and two to announce: not for each post. What an earlier test has left may come between.
  expect(written).toBeLessThan(3 * 4);
  later(RETRY_DELAY);
  for (const { actor } of posts) await flush(actor);
  expect(queues.facts.filter(({ post }) => posts.some(({ id }) => id === post))).toEqual([]);
});

it("leaves facts to the queue when D1 fails", async () => {
  const { id, actor } = await restingPost();
  const { facts } = await handedOut(actor);
  const failing = vi.spyOn(d1Of(env, id), "batch").mockRejectedValue(new Error("D1 is down"));
  await deliver({ facts });
  expect(queues.facts.filter(({ post }) => post === id)).toEqual([facts]);
  failing.mockRestore();
  await project(env, [facts]);
  expect(await likesOf(id)).toBe(1);
});

it("opens another batch when the request that opened the last one is gone", async () => {
  const [lost, { id, actor }] = [await restingPost(), await restingPost()];
  // Its work never runs, as when the runtime ends a request.
  deliverSoon(env, { waitUntil: () => undefined }, await handedOut(lost.actor));
  later(1000);
  await deliver(await handedOut(actor));
  expect(await likesOf(id)).toBe(1);
});

it("sends through the queue what was handed out and never arrived", async () => {
  const { id, actor } = await restingPost();
  const { facts } = await handedOut(actor);
  later(RETRY_DELAY);
  await flush(actor);
  const sent = queues.facts.filter(({ post }) => post === id);
  expect(sent[0]).toMatchObject({ from: facts.from, to: facts.to, likes: facts.likes });
  await project(env, sent);
  expect(await likesOf(id)).toBe(1);
});

it("writes a new post to D1 at once and then sends it to fan-out, or leaves both to its actor", async () => {
  const [sent, lost] = [newPost(), newPost()];
  for (const post of [sent, lost]) {
    const handed = await env.POSTS.getByName(post.id).publish(post, { takes: true });
    if (!handed || !handed.facts) throw new Error("nothing was handed out");
    expect(handed.fanOut).toBe(true);
    if (post === sent) await deliver(handed);
  }
  expect(await likesOf(sent.id)).toBe(0);
  expect(queues.fanOuts).toEqual([{ post: sent.id, author: sent.author }]);
  later(RETRY_DELAY);
  await flush(env.POSTS.getByName(lost.id));
  expect(queues.facts).toMatchObject([{ post: lost.id, from: 1, to: 1 }]);
  expect(queues.fanOuts.at(-1)).toEqual({ post: lost.id, author: lost.author });
});
