import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { PersonId, PostId } from "../../../schema/ids.ts";
import { recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { newPerson, publishedPost } from "../../../tests/runtime/world/posts.ts";
import type { LikeResult, LikeCommand } from "../post-results.ts";

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const gateOf = (post: PostId) => env.LIKE_GATES.getByName(`${post} 0`);
const people = (count: number) => Array.from({ length: count }, newPerson);

type Call = (commands: LikeCommand[]) => Promise<LikeResult[]>;

/** Intercepts the calls from gates to the post's actor. `call` may pass a call on. */
function between(post: PostId, call: (commands: LikeCommand[], pass: Call) => Promise<LikeResult[]>): void {
  const getByName = env.POSTS.getByName.bind(env.POSTS);
  vi.spyOn(env.POSTS, "getByName").mockImplementation((name) => {
    const stub = getByName(name);
    const pass: Call = (commands) => stub.setLikes(commands);
    return name === post ? ({ setLikes: (commands: LikeCommand[]) => call(commands, pass) } as typeof stub) : stub;
  });
}

/** Likes through the gate, inside its object, where `between` can intercept its calls. */
const likeAll = (post: PostId, persons: PersonId[], liked = true) =>
  runInDurableObject(gateOf(post), (gate) =>
    Promise.allSettled(persons.map((person) => gate.set(post, person, liked))),
  );

it("forwards many likes in few calls, and returns each like its own count", async () => {
  const { post, actor } = await publishedPost();
  const sizes: number[] = [];
  between(post.id, (commands, pass) => {
    sizes.push(commands.length);
    return pass(commands);
  });
  const answers = await likeAll(post.id, people(250));
  const counts = answers.map((answer) => answer.status === "fulfilled" && answer.value.ok && answer.value.likes);
  expect(counts).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
  expect(sizes).toEqual([1, 100, 100, 49]);
  vi.restoreAllMocks();
  expect(await actor.state()).toMatchObject({ likes: 250, seq: 251 });
});

it("keeps the order of one person's likes", async () => {
  const { post, actor } = await publishedPost();
  const ada = newPerson();
  const gate = gateOf(post.id);
  const answers = await Promise.all([true, false, true, false].map((liked) => gate.set(post.id, ada, liked)));
  expect(answers.map((answer) => answer.ok && [answer.liked, answer.likes])).toEqual([
    [true, 1],
    [false, 0],
    [true, 1],
    [false, 0],
  ]);
  expect(await actor.snapshot(ada)).toMatchObject({ liked: false, standing: { likes: 0 } });
});

it("rejects the likes of a failed call without a retry, and counts them once when they are repeated", async () => {
  const { post, actor } = await publishedPost();
  const persons = people(20);
  let calls = 0;
  between(post.id, (commands, pass) => {
    calls += 1;
    if (calls === 2) throw new Error("the network");
    return pass(commands);
  });
  const answers = await likeAll(post.id, persons);
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", ...Array.from({ length: 19 }, () => "rejected")]);
  expect(calls).toBe(2);
  const again = await likeAll(post.id, persons);
  expect(again.every(({ status }) => status === "fulfilled")).toBe(true);
  vi.restoreAllMocks();
  expect(await actor.state()).toMatchObject({ likes: 20, seq: 21 });
});

it("counts a repeated like once if the first result was lost after the commit", async () => {
  const { post, actor } = await publishedPost();
  const ada = newPerson();
  let isLost = true;
  between(post.id, async (commands, pass) => {
    const answers = await pass(commands);
    if (isLost) throw new Error("the result is lost");
    return answers;
  });
  expect(await likeAll(post.id, [ada])).toMatchObject([{ status: "rejected" }]);
  isLost = false;
  expect(await likeAll(post.id, [ada])).toMatchObject([{ value: { ok: true, likes: 1, seq: 2 } }]);
  vi.restoreAllMocks();
  expect(await actor.state()).toMatchObject({ likes: 1, seq: 2 });
});

it("loses no acknowledged like when the actor crashes or the gate is evicted", async () => {
  const { post, actor } = await publishedPost();
  const [ada, ben, cleo] = [newPerson(), newPerson(), newPerson()];
  await gateOf(post.id).set(post.id, ada, true);
  await runInDurableObject(actor, (_, state) => state.abort("a crash")).catch(() => undefined);
  await gateOf(post.id).set(post.id, ben, true);
  await evictDurableObject(gateOf(post.id));
  expect(await gateOf(post.id).set(post.id, cleo, true)).toMatchObject({ ok: true, likes: 3 });
  await evictDurableObject(env.POSTS.getByName(post.id));
  expect(await gateOf(post.id).set(post.id, cleo, true)).toMatchObject({ ok: true, likes: 3, seq: 4 });
});

it("returns the actor's refusals", async () => {
  const { post, actor } = await publishedPost();
  await actor.remove(post.author);
  expect(await gateOf(post.id).set(post.id, newPerson(), true)).toEqual({ ok: false, reason: "post_not_found" });
});
