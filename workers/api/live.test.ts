import { env } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { LiveFrame } from "../../schema/api/live.ts";
import type { PersonCard } from "../../schema/api/people.ts";
import type { PostId } from "../../schema/ids.ts";
import { flush, recordQueues } from "../../tests/runtime/facts.ts";
import { ask, HOST, outcome, signUp } from "../../tests/runtime/people.ts";
import { newPerson, publishedPost } from "../../tests/runtime/posts.ts";
import { project } from "../projector/projector.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A socket, and what it was sent so far. */
async function subscribe(post: PostId, since?: number, token?: string) {
  const query = since === undefined ? "" : `?since=${since}`;
  const headers = { upgrade: "websocket", ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const response = await ask("GET", `/v1/posts/${post}/live${query}`, { headers });
  const socket = response.webSocket;
  if (!socket) throw new Error(await outcome(response));
  const frames: LiveFrame[] = [];
  const times: number[] = [];
  const closed = new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
  socket.addEventListener("message", ({ data }) => {
    frames.push(JSON.parse(String(data)) as LiveFrame);
    times.push(Date.now());
  });
  socket.accept();
  const until = (seq: number) => vi.waitFor(() => expect(frames.at(-1)?.seq).toBe(seq), { timeout: 5000 });
  return { socket, frames, times, closed, until };
}

async function livePost() {
  const author = await signUp();
  const { post, actor } = await publishedPost(author.person.id);
  await flush(actor);
  await project(env, queues.facts);
  return { post: post.id, actor, author };
}

/** What a client holds that applies each frame to what it has. */
function folded(frames: LiveFrame[]) {
  const comments = new Map<string, string>();
  for (const { changed, gone } of frames) {
    for (const { id, text } of changed) comments.set(id, text);
    for (const id of gone) comments.delete(id);
  }
  return [...comments.values()];
}

const commenter = async (): Promise<PersonCard> => (await signUp()).person;

it("tells how the post stands at once, and what changes from then on", async () => {
  const { post, actor } = await livePost();
  const ada = await commenter();
  const { frames, until } = await subscribe(post);
  await until(1);
  await actor.like(ada.id);
  const said = await actor.comment({ author: ada.id, text: "Where is this?" });
  await until(3);
  expect(frames.at(-1)).toMatchObject({ likes: 1, comments: 1, reread: false });
  expect(frames.flatMap(({ changed }) => changed)).toMatchObject([{ author: ada, text: "Where is this?" }]);
  if (said.ok) await actor.removeComment(ada.id, said.comment.id);
  await until(4);
  expect(frames.at(-1)).toMatchObject({ comments: 0, gone: [said.ok && said.comment.id] });
});

it("sends at most four frames a second, and the last one is how things stand", async () => {
  const { post, actor } = await livePost();
  const { frames, times, until } = await subscribe(post);
  await until(1);
  for (let n = 0; n < 100; n += 1) {
    await actor.like(newPerson());
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await until(101);
  expect(frames.at(-1)?.likes).toBe(100);
  expect(frames.length).toBeLessThan(10);
  // Two frames may lie a little closer when they arrive than when they were sent.
  for (const [index, time] of times.entries()) expect(time - (times[index - 1] ?? 0)).toBeGreaterThan(200);
});

it("goes on from where it was: no frame leaves a gap or comes twice, whatever happened in between", async () => {
  const { post, actor } = await livePost();
  const ada = await commenter();
  const say = (text: string) => actor.comment({ author: ada.id, text });
  const first = await subscribe(post);
  await say("one");
  await first.until(2);
  first.socket.close();
  for (let n = 0; n < 120; n += 1) await say(`meanwhile ${n}`);
  await evictDurableObject(actor);
  const second = await subscribe(post, 2);
  await say("last");
  await second.until(123);
  const all = [...first.frames, ...second.frames];
  all.reduce((seq, frame) => {
    expect(frame.from).toBe(seq);
    return frame.seq;
  }, all[0]?.from ?? 0);
  expect(folded(all)).toEqual(["one", ...Array.from({ length: 120 }, (_, n) => `meanwhile ${n}`), "last"]);
  const told = all.flatMap(({ changed }) => changed.map(({ id }) => id));
  expect(new Set(told).size).toBe(told.length);
});

it("goes on with the same sockets after it has slept", async () => {
  const { post, actor } = await livePost();
  const { frames, until } = await subscribe(post);
  await until(1);
  await evictDurableObject(actor, { webSockets: "hibernate" });
  await actor.like(newPerson());
  await until(2);
  expect(frames).toHaveLength(2);
});

it("shows what is hidden to the post's author alone", async () => {
  const { post, actor, author } = await livePost();
  const ada = await commenter();
  const said = await actor.comment({ author: ada.id, text: "Rude" });
  if (!said.ok) throw new Error(said.reason);
  const reply = await actor.comment({ author: ada.id, text: "Ruder", replyTo: said.comment.id });
  const [mine, others] = [await subscribe(post, 1, author.token), await subscribe(post, 1)];
  await Promise.all([mine.until(4), others.until(4)]);
  await actor.hideComment(author.person.id, said.comment.id, true);
  if (reply.ok) await actor.likeComment(ada.id, reply.comment.id, true); // Refused: nobody sees it.
  await Promise.all([mine.until(5), others.until(5)]);
  expect(mine.frames.at(-1)?.changed).toMatchObject([{ text: "Rude", hidden: true }]);
  expect(others.frames.at(-1)).toMatchObject({ comments: 0, changed: [], gone: [said.comment.id] });
});

it("is closed when the post is gone", async () => {
  const { post, actor, author } = await livePost();
  const { closed, frames, until } = await subscribe(post);
  await until(1);
  await actor.remove(author.person.id);
  expect(await closed).toBe(4404);
  expect(frames.at(-1)).toMatchObject({ from: 1, seq: 2, deleted: true });
  expect(await outcome(await ask("GET", `/v1/posts/${post}/live`, { headers: { upgrade: "websocket" } }))).toBe(
    "404 post_not_found",
  );
});

it("tells who was away for long to read again", async () => {
  const { post, actor } = await livePost();
  const ada = await commenter();
  await Promise.all(Array.from({ length: 501 }, (_, n) => actor.comment({ author: ada.id, text: String(n) })));
  const { frames, until } = await subscribe(post, 1);
  await until(502);
  expect(frames).toMatchObject([{ reread: true, comments: 501, changed: [] }]);
});

it("refuses what is no socket, what is no post, and another site's page with its visitor's cookie", async () => {
  const { post, author } = await livePost();
  expect(await outcome(await ask("GET", `/v1/posts/${post}/live`))).toBe("426 upgrade_required");
  const headers = { upgrade: "websocket" };
  expect(await outcome(await ask("GET", "/v1/posts/0000000000000/live", { headers }))).toBe("404 post_not_found");
  expect(await outcome(await ask("GET", `/v1/posts/${post}/live?since=-1`, { headers }))).toBe("422 invalid_request");
  const foreign = { ...headers, cookie: `__Host-session=${author.token}`, origin: "https://elsewhere.example" };
  expect(await outcome(await ask("GET", `/v1/posts/${post}/live`, { headers: foreign }))).toBe("403 cross_site");
  expect(HOST).not.toBe(foreign.origin);
});

it("ends a socket that talks", async () => {
  const { post } = await livePost();
  const { socket, closed, until } = await subscribe(post);
  await until(1);
  socket.send("let me in");
  expect(await closed).toBe(1008);
});
