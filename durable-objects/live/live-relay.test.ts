import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { relayNamed, relayOfPerson } from "../../schema/live/live-relays.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { d1Costs } from "../../tests/runtime/stores/d1-costs.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { connect, hangUp } from "../../tests/runtime/live/live.ts";
import { ask, signUp } from "../../tests/runtime/world/people.ts";
import { newPerson, publishedPost } from "../../tests/runtime/world/posts.ts";
import { evict, networkAtOneRelay } from "../../tests/runtime/live/relays.ts";
import { newSession } from "../../workers/api/sessions/tokens.ts";
import { closeSockets } from "../../workers/notifications/socket-hints.ts";
import { SOCKETS_MAX, SOCKETS_PER_NETWORK, SOCKETS_PER_PERSON } from "./live-relay.ts";
import { SESSION_CHECK_INTERVAL } from "./session-checks.ts";
import { LiveSockets } from "./sockets.ts";
import { sleep } from "./sleep.ts";

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  hangUp();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("closes only the sockets of the session that is signed out", async () => {
  const ada = await signUp();
  const other = await newSession(env, ada.person.id);
  await d1Of(env, ada.person.id)
    .prepare("INSERT INTO sessions (id, person, secret_hash, expires_at) VALUES (?, ?, ?, ?)")
    .bind(other.row.id, other.row.person, other.row.secretHash, other.row.expiresAt)
    .run();
  const [ended, stays] = [await connect(ada), await connect({ token: other.token })];
  await Promise.all([ended.untilTold(1), stays.untilTold(1)]);
  expect((await ask("DELETE", "/v1/sessions/current", { token: ada.token })).status).toBe(204);
  expect(await ended.closed).toBe(4401);
  expect(stays.socket.readyState).toBe(WebSocket.OPEN);
  await closeSockets(env, ada.person.id);
  expect(await stays.closed).toBe(4401);
});

it("signs out when the relay cannot be reached, and closes the sockets at the next session check", async () => {
  const { post, actor } = await publishedPost();
  const ada = await signUp();
  const client = (await connect(ada)).watch(post.id);
  await client.until(1);
  const getByName = env.LIVE_RELAYS.getByName.bind(env.LIVE_RELAYS);
  const lost = vi.spyOn(env.LIVE_RELAYS, "getByName").mockImplementation(() => {
    throw new Error("no way there");
  });
  expect((await ask("DELETE", "/v1/sessions/current", { token: ada.token })).status).toBe(204);
  lost.mockImplementation(getByName);
  vi.useFakeTimers({ now: Date.now() + SESSION_CHECK_INTERVAL, toFake: ["Date"] });
  await actor.like(newPerson());
  expect(await client.closed).toBe(4401);
  expect(client.frames).toHaveLength(1);
});

it("closes a socket with an expired session before the first frame after an eviction", async () => {
  const { post, actor } = await publishedPost();
  const ada = await signUp();
  const client = (await connect(ada)).watch(post.id);
  await client.until(1);
  const [, session] = ada.token.split(".");
  await d1Of(env, ada.person.id)
    .prepare("UPDATE sessions SET expires_at = ? WHERE id = ?")
    .bind(Date.now(), session)
    .run();
  const relay = relayNamed(env, relayOfPerson("weur", ada.person.id));
  await evict(relay);
  await actor.like(newPerson());
  expect(await client.closed).toBe(4401);
  expect(client.frames).toHaveLength(1);
});

it("does not check sessions in D1 with every frame", async () => {
  const { post, actor } = await publishedPost();
  const clients = await Promise.all(
    Array.from({ length: 3 }, async () => (await connect(await signUp())).watch(post.id)),
  );
  await Promise.all(clients.flatMap((client) => [client.until(1), client.untilTold(1)]));
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  const { queries } = await d1Costs(async () => {
    await actor.like(newPerson());
    await Promise.all(clients.map((client) => client.until(2)));
  });
  expect(queries.filter((sql) => sql.includes("sessions"))).toEqual([]);
});

it("closes a person's oldest socket when they open too many", async () => {
  const ada = await signUp();
  const clients = [];
  for (let n = 0; n <= SOCKETS_PER_PERSON; n += 1) clients.push(await connect(ada));
  expect(await clients[0]?.closed).toBe(4409);
  expect(clients.slice(1).every(({ socket }) => socket.readyState === WebSocket.OPEN)).toBe(true);
});

it("closes a network's oldest socket when it opens too many, and refuses new ones when the relay is full", async () => {
  const { open } = networkAtOneRelay();
  const first = await open();
  const others = await Promise.all(Array.from({ length: SOCKETS_PER_NETWORK - 1 }, open));
  expect(first.socket.readyState).toBe(WebSocket.OPEN);
  await open();
  expect(await first.closed).toBe(4409);
  expect(others.every(({ socket }) => socket.readyState === WebSocket.OPEN)).toBe(true);
  vi.spyOn(LiveSockets.prototype, "size", "get").mockReturnValue(SOCKETS_MAX);
  await expect(open()).rejects.toThrow("503 too_many_subscribers");
});

it("starts again from the new `since` when a socket watches the same post twice", async () => {
  const { post, actor } = await publishedPost();
  const ada = await signUp();
  await actor.comment({ author: ada.person.id, text: "one" });
  const client = await connect();
  client.watch(post.id, 1);
  await client.until(2);
  client.watch(post.id, 1);
  await vi.waitFor(() => expect(client.texts).toEqual(["one", "one"]));
});

it("sends nothing while D1 cannot check sessions, and everything once it can", async () => {
  const [{ post, actor }, ada] = [await publishedPost(), await signUp()];
  const client = (await connect(ada)).watch(post.id);
  await Promise.all([client.until(1), client.untilTold(1)]);
  const relay = relayNamed(env, relayOfPerson("weur", ada.person.id));
  await evict(relay);
  const database = d1Of(env, ada.person.id);
  const prepare = database.prepare.bind(database);
  let failing = true;
  vi.spyOn(database, "prepare").mockImplementation((sql) => {
    if (failing && sql.includes("isOpen")) throw new Error("D1_ERROR");
    return prepare(sql);
  });
  await actor.like(newPerson());
  await sleep(500);
  expect(client.frames).toHaveLength(1);
  failing = false;
  await client.until(2);
});
