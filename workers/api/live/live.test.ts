import { env } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveCommand, LiveFrame } from "../../../schema/api/live.ts";
import type { PersonCard } from "../../../schema/api/people.ts";
import { POSTS_WATCHED_MAX, SESSION_OVER } from "../../../schema/live/live-limits.ts";
import { flush, recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { connect, folded, hangUp } from "../../../tests/runtime/live/live.ts";
import { ask, HOST, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { newPerson, newPost, publishedPost } from "../../../tests/runtime/world/posts.ts";
import { project } from "../../projector/projector.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  hangUp();
  vi.restoreAllMocks();
});

async function livePost() {
  const author = await signUp();
  const { post, actor } = await publishedPost(author.person.id);
  await flush(actor);
  await project(env, queues.facts);
  return { post: post.id, actor, author };
}

const commenter = async (): Promise<PersonCard> => (await signUp()).person;

it("sends the post's standing at once, then each change", async () => {
  const { post, actor } = await livePost();
  const ada = await commenter();
  const client = (await connect()).watch(post);
  await client.until(1);
  expect(client.frames).toMatchObject([{ topic: "post", post, from: 1, likes: 0, comments: 0, deleted: false }]);
  await actor.like(ada.id);
  const said = await actor.comment({ author: ada.id, text: "Where is this?" });
  await client.until(3);
  expect(client.frames.at(-1)).toMatchObject({ likes: 1, comments: 1, reread: false });
  expect(client.frames.flatMap(({ changed }) => changed)).toMatchObject([{ author: ada, text: "Where is this?" }]);
  if (said.ok) await actor.removeComment(ada.id, said.comment.id);
  await client.until(4);
  expect(client.frames.at(-1)).toMatchObject({ comments: 0, gone: [said.ok && said.comment.id] });
});

it("sends at most four frames a second, the last with the current counts", async () => {
  const { post, actor } = await livePost();
  const client = (await connect()).watch(post);
  await client.until(1);
  for (let n = 0; n < 100; n += 1) {
    await actor.like(newPerson());
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await client.until(101);
  expect(client.frames.at(-1)?.likes).toBe(100);
  expect(client.frames.length).toBeLessThanOrEqual(2 + ((client.times.at(-1) ?? 0) - (client.times[0] ?? 0)) / 250);
  // Two frames may arrive a little closer together than they were sent.
  for (const [index, time] of client.times.entries()) {
    expect(time - (client.times[index - 1] ?? 0)).toBeGreaterThan(200);
  }
});

it("resumes without gaps or repeats, whatever happened in between", async () => {
  const { post, actor } = await livePost();
  const ada = await commenter();
  const say = (text: string) => actor.comment({ author: ada.id, text });
  const first = (await connect()).watch(post);
  await first.until(1);
  await say("one");
  await first.until(2);
  first.socket.close();
  for (let n = 0; n < 120; n += 1) await say(`meanwhile ${n}`);
  await evictDurableObject(actor);
  const second = (await connect()).watch(post, 2);
  await say("last");
  await second.until(123);
  const all = [...first.frames, ...second.frames];
  expect(folded(all)).toEqual(["one", ...Array.from({ length: 120 }, (_, n) => `meanwhile ${n}`), "last"]);
  const told = all.flatMap(({ changed }) => changed.map(({ id }) => id));
  expect(new Set(told).size).toBe(told.length);
});

it("sends each socket exactly the changes since its own `seq`", async () => {
  const { post, actor } = await livePost();
  const ada = await commenter();
  for (let n = 0; n < 60; n += 1) await actor.comment({ author: ada.id, text: String(n) });
  const sinces = [1, 5, 30, 59, 60, 61];
  const clients = await Promise.all(sinces.map(async (since) => (await connect()).watch(post, since)));
  await Promise.all(clients.map((client) => client.until(61)));
  for (const [index, client] of clients.entries()) {
    const since = sinces[index] ?? 0;
    expect(client.frames[0]?.from).toBe(since);
    expect(folded(client.frames)).toEqual(Array.from({ length: 61 - since }, (_, n) => String(since - 1 + n)));
  }
});

it("starts at the post's `seq` when the client claims a later one", async () => {
  const { post } = await livePost();
  const client = (await connect()).watch(post, 1_000_000);
  await client.until(1);
  expect(client.frames).toMatchObject([{ from: 1, seq: 1, changed: [] }]);
});

it("shows hidden comments only to the post's author and, as if shown, to their writer", async () => {
  const { post, actor, author } = await livePost();
  const writer = await signUp();
  const ada = writer.person;
  const said = await actor.comment({ author: ada.id, text: "Rude" });
  if (!said.ok) throw new Error(said.reason);
  const reply = await actor.comment({ author: ada.id, text: "Ruder", replyTo: said.comment.id });
  const mine = (await connect({ token: author.token })).watch(post, 1);
  const others = (await connect({ token: (await signUp()).token })).watch(post, 1);
  const theirs = (await connect({ token: writer.token })).watch(post, 1);
  await Promise.all([mine.until(4), others.until(4), theirs.until(4)]);
  await actor.hideComment(author.person.id, said.comment.id, true);
  if (reply.ok) await actor.likeComment(author.person.id, reply.comment.id, true); // Rejected, because it is hidden.
  await Promise.all([mine.until(5), others.until(5), theirs.until(5)]);
  expect(theirs.frames.at(-1)).toMatchObject({ changed: [{ text: "Rude", hidden: false }], gone: [] });
  expect(mine.frames.at(-1)?.changed).toMatchObject([{ text: "Rude", hidden: true }]);
  expect(others.frames.at(-1)).toMatchObject({ comments: 0, changed: [], gone: [said.comment.id] });
});

it("shows the post's author what somebody in a block with them writes, marked", async () => {
  const { post, actor, author } = await livePost();
  const spammer = await commenter();
  await actor.comment({ author: spammer.id, text: "Before" });
  const block = await ask("PUT", `/v1/people/${spammer.handle}/block`, { token: author.token });
  expect(block.status).toBe(200);
  const mine = (await connect({ token: author.token })).watch(post, 1);
  await mine.until(2);
  expect(mine.frames.flatMap(({ changed }) => changed)).toMatchObject([{ text: "Before", blocked: true }]);
});

it("reports a deleted post like one that never existed, and continues with the others", async () => {
  const [{ post, actor, author }, other] = [await livePost(), await livePost()];
  const client = (await connect()).watch(post);
  client.watch(other.post).watch(newPost().id);
  await client.until(1, post);
  await client.until(1, other.post);
  await vi.waitFor(() => expect(client.frames.filter(({ deleted }) => deleted)).toHaveLength(1));
  await actor.remove(author.person.id);
  await client.untilDeleted(post);
  client.watch(post);
  await vi.waitFor(() => expect(client.of(post).filter(({ deleted }) => deleted)).toHaveLength(2));
  await other.actor.like(newPerson());
  await client.until(2, other.post);
});

it("sends nothing more about a post that is no longer watched", async () => {
  const { post, actor } = await livePost();
  const [leaves, stays] = [(await connect()).watch(post), (await connect()).watch(post)];
  await Promise.all([leaves.until(1), stays.until(1)]);
  leaves.say({ unwatch: [post] });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await actor.like(newPerson());
  await stays.until(2);
  expect(leaves.frames).toHaveLength(1);
});

it("asks a client that was away for long to read again", async () => {
  const { post, actor } = await livePost();
  const ada = await commenter();
  await Promise.all(Array.from({ length: 501 }, (_, n) => actor.comment({ author: ada.id, text: String(n) })));
  const [long, short] = [(await connect()).watch(post, 1), (await connect()).watch(post, 500)];
  await Promise.all([long.until(502), short.until(502)]);
  expect(long.frames).toMatchObject([{ reread: true, comments: 501, changed: [] }]);
  expect(short.frames).toMatchObject([{ from: 500, reread: false, changed: [{}, {}] }]);
});

it("rejects plain HTTP, and another site's page with its visitor's cookie", async () => {
  const { author } = await livePost();
  expect(await outcome(await ask("GET", "/v1/live"))).toBe("426 upgrade_required");
  const headers = { upgrade: "websocket" };
  const foreign = { ...headers, cookie: `__Host-session=${author.token}`, origin: "https://elsewhere.example" };
  expect(await outcome(await ask("GET", "/v1/live", { headers: foreign }))).toBe("403 cross_site");
  expect(HOST).not.toBe(foreign.origin);
  expect(await outcome(await ask("GET", "/v1/live", { headers, token: "nobody's" }))).toBe("401 not_signed_in");
});

it.each([
  ["invalid JSON", "let me in", 4400],
  ["an invalid command", '{"watch":[{"post":"x"}]}', 4400],
  ["an unknown key", '{"whatch":[]}', 4400],
  ["bytes", new TextEncoder().encode('{"watch":[]}'), 4400],
  ["a large message", `{"unwatch":[${" ".repeat(5000)}]}`, 1009],
])("closes a socket that sends %s", async (_, message, code) => {
  const client = await connect();
  client.socket.send(message);
  expect(await client.closed).toBe(code);
});

it("closes a socket that watches too many posts or sends too many commands", async () => {
  const greedy = await connect();
  const posts = Array.from({ length: POSTS_WATCHED_MAX + 1 }, () => newPost().id);
  greedy.say({ watch: posts.slice(1).map((post) => ({ post })) }).watch(posts[0] ?? newPost().id);
  expect(await greedy.closed).toBe(4400);
  const talkative = await connect();
  for (let n = 0; n <= 200; n += 1) talkative.say({});
  expect(await talkative.closed).toBe(4429);
});

it("answers ping without waking the relay", async () => {
  const { socket } = await connect();
  const pong = new Promise((resolve) =>
    socket.addEventListener("message", ({ data }) => resolve(data), { once: true }),
  );
  socket.send("ping");
  expect(await pong).toBe("pong");
});

it("shows a private author's post to accepted followers only, and ends when one is removed", async () => {
  const { post, actor, author } = await livePost();
  const [fan, stranger] = [await signUp(), await signUp()];
  await ask("PUT", `/v1/people/${author.person.handle}/follow`, { token: fan.token });
  const clients = [await connect(author), await connect(fan), await connect(stranger), await connect()];
  const [own, accepted, asStranger, asNobody] = clients.map((client) => client.watch(post));
  await Promise.all(clients.map((client) => client.until(1)));

  await ask("PATCH", "/v1/me", { token: author.token, body: { private: true } });
  await actor.like(newPerson());
  await Promise.all([own?.until(2), accepted?.until(2)]);
  for (const client of [asStranger, asNobody]) {
    await vi.waitFor(() => expect(client?.frames.at(-1)).toMatchObject({ deleted: true, likes: 0 }));
  }
  const late = (await connect(stranger)).watch(post);
  await vi.waitFor(() => expect(late.frames).toMatchObject([{ deleted: true, likes: 0 }]));

  await ask("DELETE", `/v1/me/followers/${fan.person.handle}`, { token: author.token });
  await actor.like(newPerson());
  await vi.waitFor(() => expect(accepted?.frames.at(-1)).toMatchObject({ deleted: true }));
  await own?.until(3);
});

it("describes its commands and frames in AsyncAPI, with examples that are valid", async () => {
  type Message = { payload: object; examples: { payload: unknown }[] };
  const { channels } = await (
    await ask("GET", "/v1/asyncapi.json")
  ).json<{ channels: { live: { address: string; messages: { command: Message; frame: Message } } } }>();
  const { address, messages } = channels.live;
  expect(address).toBe("/v1/live");
  for (const [schema, { examples }] of [
    [LiveCommand, messages.command],
    [LiveFrame, messages.frame],
  ] as const) {
    expect(examples.length).toBeGreaterThan(1);
    for (const { payload } of examples) expect(schema.safeParse(payload)).toMatchObject({ success: true });
  }
});

it("opens one socket by a ticket, within a minute, from the origin that asked for it", async () => {
  const world = { ...env, ALLOWED_ORIGINS: "https://app.example https://other.example" };
  const { token } = await signUp();
  const from = (origin: string) => ({ env: world, headers: { origin } });
  const ticket = async (origin?: string): Promise<string> => {
    const asked = await ask("POST", "/v1/live/tickets", { token, ...(origin === undefined ? {} : from(origin)) });
    return (await asked.json<{ ticket: string }>()).ticket;
  };
  const opened = await ticket("https://app.example");
  const client = await connect({ ...from("https://app.example"), ticket: opened });
  await vi.waitFor(() => expect(client.told.length).toBe(1)); // Only a signed-in viewer gets a hint.
  const again = connect({ ...from("https://app.example"), ticket: opened });
  await expect(again).rejects.toThrow("401 not_signed_in");

  await expect(
    connect({ ...from("https://other.example"), ticket: await ticket("https://app.example") }),
  ).rejects.toThrow("401");
  await expect(connect({ ticket: await ticket("https://app.example") })).rejects.toThrow("401");
  await expect(connect({ ticket: `${(await ticket()).slice(0, -1)}~` })).rejects.toThrow("401");
  await expect(connect({ ticket: "nonsense" })).rejects.toThrow("401");

  const late = await ticket();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
  await expect(connect({ ticket: late })).rejects.toThrow("401");
  vi.useRealTimers();
  const ended = await ticket();
  await ask("DELETE", "/v1/sessions/current", { token });
  const over = await connect({ ticket: ended });
  expect(await over.closed).toBe(SESSION_OVER);
});
