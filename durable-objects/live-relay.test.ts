import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { PersonId } from "../schema/ids.ts";
import { relayNamed, relayOfNetwork, relayOfPerson } from "../schema/live-relays.ts";
import { databaseOf } from "../schema/shards.ts";
import { d1Costs } from "../tests/runtime/d1-costs.ts";
import { flush, recordQueues } from "../tests/runtime/facts.ts";
import { connect, folded, hangUp, type LiveClient } from "../tests/runtime/live.ts";
import { ask, signUp } from "../tests/runtime/people.ts";
import { newPerson, publishedPost } from "../tests/runtime/posts.ts";
import { betweenActorAndRelays } from "../tests/runtime/relays.ts";
import { newSession } from "../workers/api/tokens.ts";
import { tellRelays } from "../workers/delivery/tell-relays.ts";
import { type LiveRelay, SOCKETS_MAX, SOCKETS_PER_NETWORK, SOCKETS_PER_PERSON } from "./live-relay.ts";
import type { PostActor } from "./post-actor.ts";
import { REVIEWED_EVERY } from "./seat-reviews.ts";
import { Seats } from "./seats.ts";

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  hangUp();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A network whose sockets are all at one relay, which `evict` puts out of memory. */
function fromOnePlace() {
  const network = `10.0.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`;
  const relay = relayNamed(env, relayOfNetwork("weur", network));
  const open = () => connect({ headers: { "cf-connecting-ip": network } });
  return { network, open, evict: () => evict(relay) };
}

/** Puts it out of memory, with its sockets as they are; nothing when it is not in memory. */
async function evict(object: DurableObjectStub<LiveRelay | PostActor>): Promise<void> {
  try {
    await evictDurableObject(object, { webSockets: "hibernate" });
  } catch (error) {
    expect(String(error)).toContain("not currently running");
  }
}

const sleep = (ms: number) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** How many relays the post's actor tells of it. */
const relaysOf = (actor: DurableObjectStub<PostActor>): Promise<number> =>
  runInDurableObject(actor, (_, { storage }) =>
    Number(storage.sql.exec("SELECT count(*) AS relays FROM relays").one()["relays"]),
  );

it("goes on with the same sockets after relay and actor have slept, each by itself or both", async () => {
  const { post, actor } = await publishedPost();
  const { open, evict: evictRelay } = fromOnePlace();
  const client = (await open()).watch(post.id);
  await client.until(1);
  const evictions = [[evictRelay], [() => evict(actor)], [evictRelay, () => evict(actor)]];
  for (const [index, parts] of evictions.entries()) {
    for (const part of parts) await part();
    await actor.like(newPerson());
    await client.until(index + 2);
  }
  folded(client.frames);
  expect(client.frames).toHaveLength(4);
});

it("serves who begins to watch in a relay that has slept, and those who watched before", async () => {
  const { post, actor } = await publishedPost();
  const { open, evict: evictRelay } = fromOnePlace();
  const first = (await open()).watch(post.id);
  await first.until(1);
  await evictRelay();
  const second = (await open()).watch(post.id);
  await second.until(1);
  await actor.like(newPerson());
  await Promise.all([first.until(2), second.until(2)]);
  expect([first.frames.length, second.frames.length]).toEqual([2, 2]);
});

it("is forgotten by the post's actor once nobody watches, and known again when somebody does", async () => {
  const { post, actor } = await publishedPost();
  const { open } = fromOnePlace();
  const client = (await open()).watch(post.id);
  await client.until(1);
  expect(await relaysOf(actor)).toBe(1);
  client.say({ unwatch: [post.id] });
  await actor.like(newPerson());
  await vi.waitFor(async () => expect(await relaysOf(actor)).toBe(0));
  client.watch(post.id, 1);
  await client.until(2);
  await actor.like(newPerson());
  await client.until(3);
  folded(client.frames);
});

it("keeps who begins to watch while the actor is being told that nobody does", async () => {
  const { post, actor } = await publishedPost();
  const { open } = fromOnePlace();
  const client = (await open()).watch(post.id);
  await client.until(1);
  client.say({ unwatch: [post.id] });
  await sleep(50);
  const answers: boolean[] = [];
  betweenActorAndRelays(async (pass, window) => {
    answers.push(await pass(window));
    while (client.frames.length < 2) await sleep(10);
    return answers.at(-1) ?? false; // Which is not so any more.
  });
  await actor.like(newPerson());
  await vi.waitFor(() => expect(answers).toEqual([false]));
  await client.watch(post.id, 1).until(2);
  await actor.like(newPerson());
  await client.until(3);
  expect(await relaysOf(actor)).toBe(1);
});

it("is told by one call for all of its sockets, and each relay in the world by its own", async () => {
  const { post, actor } = await publishedPost();
  const calls: string[] = [];
  betweenActorAndRelays((pass, window, relay) => {
    calls.push(relay);
    return pass(window);
  });
  const network = "10.1.2.3";
  const from = (continent: ContinentCode, longitude: string) =>
    Promise.all(
      Array.from({ length: 3 }, async () =>
        (await connect({ headers: { "cf-connecting-ip": network }, cf: { continent, longitude } })).watch(post.id),
      ),
    );
  const clients = (await Promise.all([from("EU", "2.35"), from("NA", "-122.4"), from("AS", "139.7")])).flat();
  await Promise.all(clients.map((client) => client.until(1)));
  await actor.like(newPerson());
  await Promise.all(clients.map((client) => client.until(2)));
  expect(calls.map((name) => name.slice(0, name.indexOf("-"))).toSorted()).toEqual(["apac", "weur", "wnam"]);
});

it("does not keep one relay waiting for another, nor likes for either", async () => {
  const { post, actor } = await publishedPost();
  const [near, far] = [fromOnePlace(), { network: "10.9.9.9" }];
  const quick = (await near.open()).watch(post.id);
  const slow = (await connect({ headers: { "cf-connecting-ip": far.network }, cf: { continent: "OC" } })).watch(
    post.id,
  );
  await Promise.all([quick.until(1), slow.until(1)]);
  betweenActorAndRelays(async (pass, window, relay) => {
    if (relay.startsWith("oc")) await sleep(1500);
    return pass(window);
  });
  const started = Date.now();
  for (let seq = 2; seq <= 4; seq += 1) {
    await actor.like(newPerson());
    await quick.until(seq);
  }
  expect(slow.frames).toHaveLength(1);
  expect(Date.now() - started).toBeLessThan(1500);
  await slow.until(4);
  folded(slow.frames);
});

it("costs a post that nobody watches nothing: no call, no row, no timer", async () => {
  const { actor } = await publishedPost();
  const getByName = vi.spyOn(env.LIVE_RELAYS, "getByName");
  await actor.like(newPerson());
  await sleep(400);
  expect(getByName).not.toHaveBeenCalled();
  expect(await relaysOf(actor)).toBe(0);
});

it("is told after its actor could not reach it, also when the actor was lost meanwhile", async () => {
  const { post, actor } = await publishedPost();
  const client = (await fromOnePlace().open()).watch(post.id);
  await client.until(1);
  let failed = 0;
  betweenActorAndRelays(async () => {
    failed += 1;
    throw new Error("Network connection lost.");
  });
  await actor.like(newPerson());
  await vi.waitFor(() => expect(failed).toBe(1));
  await actor.confirmProjected(1, 2); // Nothing else is left to do for the alarm.
  vi.restoreAllMocks();
  await evict(actor);
  // The alarm that was set for the case brings it back.
  expect(await flush(actor)).toBe(true);
  await client.until(2);
  expect(client.frames).toHaveLength(2);
});

// What may happen to a call, and between two calls.
const MISHAPS = ["lost", "answer lost", "twice", "none"] as const;
const STEPS = ["like", "comment", "comment", "evict relay", "evict actor", "reconnect", "pause"] as const;

it("leaves no gap and tells nothing twice, whatever is lost, repeated or evicted", async () => {
  const { person } = await signUp();
  const property = fc.asyncProperty(
    fc.array(fc.constantFrom(...STEPS), { minLength: 8, maxLength: 16, size: "max" }),
    fc.array(fc.constantFrom(...MISHAPS), { minLength: 3, maxLength: 3 }),
    async (steps, mishaps) => {
      vi.restoreAllMocks();
      recordQueues();
      hangUp();
      const { post, actor } = await publishedPost();
      const { open, evict: evictRelay } = fromOnePlace();
      let calls = 0;
      betweenActorAndRelays(async (pass, window) => {
        const mishap = calls < 3 ? mishaps[calls % mishaps.length] : "none"; // Every mishap ends some time.
        calls += 1;
        if (mishap === "lost") throw new Error("lost");
        const answer = await pass(window);
        if (mishap === "answer lost") throw new Error("answer lost");
        return mishap === "twice" ? pass(window) : answer;
      });
      const clients: LiveClient[] = [(await open()).watch(post.id, 1)];
      const frames = () => clients.flatMap((client) => client.frames);
      const known = () => frames().at(-1)?.seq ?? 1;
      const said: string[] = [];
      let seq = 1;
      const run: Record<(typeof STEPS)[number], () => Promise<unknown>> = {
        like: async () => {
          seq += 1;
          await actor.like(newPerson());
        },
        comment: async () => {
          seq += 1;
          said.push(`comment ${said.length}`);
          await actor.comment({ author: person.id, text: said.at(-1) ?? "" });
        },
        "evict relay": evictRelay,
        "evict actor": () => evict(actor),
        reconnect: async () => {
          clients.at(-1)?.socket.close();
          await sleep(20); // What was on its way is lost or has come.
          clients.push((await open()).watch(post.id, known()));
        },
        pause: () => sleep(300),
      };
      for (const step of steps) await run[step]();
      await vi.waitFor(() => expect(known()).toBe(seq), { timeout: 15_000 });
      expect(folded(frames())).toEqual(said);
      const told = frames().flatMap(({ changed }) => changed.map(({ id }) => id));
      expect(told).toHaveLength(said.length);
    },
  );
  await fc.assert(property, { numRuns: 6, endOnFailure: true });
}, 120_000);

it("tells who is signed in to look for themselves, at once and when there is news, four times a second at most", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const [adas, bens, nobodys] = [await connect(ada), await connect(ben), await connect()];
  await Promise.all([adas.untilTold(1), bens.untilTold(1)]);
  const people = [ada.person.id, newPerson(), ada.person.id];
  const started = Date.now();
  for (let n = 0; n < 10; n += 1) void tellRelays(env, people);
  await adas.untilTold(2);
  await sleep(600);
  await tellRelays(env, people);
  const atMost = 2 + Math.ceil((Date.now() - started) / 250);
  expect(adas.told.length).toBeLessThanOrEqual(atMost);
  for (const [index, time] of adas.told.entries()) expect(time - (adas.told[index - 1] ?? 0)).toBeGreaterThan(200);
  expect([bens.told.length, nobodys.told.length]).toEqual([1, 0]);
  expect(bens.frames).toEqual([]);
});

async function placesOf(person: PersonId): Promise<{ relay: string; until: number }[]> {
  const rows = await databaseOf(env, person)
    .prepare("SELECT relay, until FROM live_places WHERE person = ?")
    .bind(person)
    .all<{ relay: string; until: number }>();
  return rows.results;
}

it("finds people wherever they are connected, and forgets where they are not any more", async () => {
  const ada = await signUp();
  const [home, away] = [await connect(ada), await connect({ ...ada, cf: { continent: "NA", longitude: "-75" } })];
  await Promise.all([home.untilTold(1), away.untilTold(1)]);
  const names = (await placesOf(ada.person.id)).map(({ relay }) => relay).toSorted();
  expect(names).toEqual([relayOfPerson("enam", ada.person.id), relayOfPerson("weur", ada.person.id)].toSorted());
  await tellRelays(env, [ada.person.id]);
  await Promise.all([home.untilTold(2), away.untilTold(2)]);

  away.socket.close();
  await away.closed;
  await vi.waitFor(async () => {
    await tellRelays(env, [ada.person.id]);
    expect((await placesOf(ada.person.id)).map(({ relay }) => relay)).toEqual([relayOfPerson("weur", ada.person.id)]);
  });
  // Who comes back is found again, although this relay has just said that it does not hold them.
  const back = await connect({ ...ada, cf: { continent: "NA", longitude: "-75" } });
  await back.untilTold(1);
  await tellRelays(env, [ada.person.id]);
  await back.untilTold(2);
});

it("writes where somebody is once a day, not with each socket", async () => {
  const ada = await signUp();
  await (await connect(ada)).untilTold(1);
  const [first] = await placesOf(ada.person.id);
  // By then nobody can be about to delete the row.
  const later = Date.now() + 120_000;
  vi.useFakeTimers({ now: later, toFake: ["Date"] });
  await (await connect(ada)).untilTold(1);
  expect(await placesOf(ada.person.id)).toEqual([first]);
  vi.setSystemTime(later + 25 * 3_600_000);
  await (await connect(ada)).untilTold(1);
  expect((await placesOf(ada.person.id))[0]?.until).toBeGreaterThan(first?.until ?? Number.POSITIVE_INFINITY);
});

it("never fails who has news, whatever fails", async () => {
  const ada = await signUp();
  await (await connect(ada)).untilTold(1);
  vi.spyOn(env.LIVE_RELAYS, "getByName").mockImplementation(() => {
    throw new Error("no way there");
  });
  await tellRelays(env, [ada.person.id]);
  vi.spyOn(databaseOf(env, ada.person.id), "prepare").mockImplementation(() => {
    throw new Error("D1_ERROR");
  });
  await tellRelays(env, [ada.person.id]);
  expect((await placesOf(ada.person.id).catch(() => ["kept"])).length).toBe(1);
});

it("closes the sockets of a session that is signed out, and no others", async () => {
  const ada = await signUp();
  const other = await newSession(ada.person.id);
  await databaseOf(env, ada.person.id)
    .prepare("INSERT INTO sessions (id, person, secret_hash, expires_at) VALUES (?, ?, ?, ?)")
    .bind(other.row.id, other.row.person, other.row.secretHash, other.row.expiresAt)
    .run();
  const [ended, stays] = [await connect(ada), await connect({ token: other.token })];
  await Promise.all([ended.untilTold(1), stays.untilTold(1)]);
  expect((await ask("DELETE", "/v1/sessions/current", { token: ada.token })).status).toBe(204);
  expect(await ended.closed).toBe(4401);
  expect(stays.socket.readyState).toBe(WebSocket.OPEN);
});

it("closes them before the next frame after a while when it could not be told, and signs out all the same", async () => {
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
  vi.useFakeTimers({ now: Date.now() + REVIEWED_EVERY, toFake: ["Date"] });
  await actor.like(newPerson());
  expect(await client.closed).toBe(4401);
  expect(client.frames).toHaveLength(1);
});

it("closes a socket whose session has expired, before the first frame after it has slept", async () => {
  const { post, actor } = await publishedPost();
  const ada = await signUp();
  const client = (await connect(ada)).watch(post.id);
  await client.until(1);
  const [session] = ada.token.split(".");
  await databaseOf(env, ada.person.id)
    .prepare("UPDATE sessions SET expires_at = ? WHERE id = ?")
    .bind(Date.now(), session)
    .run();
  const relay = relayNamed(env, relayOfPerson("weur", ada.person.id));
  await evict(relay);
  await actor.like(newPerson());
  expect(await client.closed).toBe(4401);
  expect(client.frames).toHaveLength(1);
});

it("asks D1 once in a while for its viewers, not with each frame", async () => {
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

it("closes the oldest socket of a person who opens too many", async () => {
  const ada = await signUp();
  const clients = [];
  for (let n = 0; n <= SOCKETS_PER_PERSON; n += 1) clients.push(await connect(ada));
  expect(await clients[0]?.closed).toBe(4409);
  expect(clients.slice(1).every(({ socket }) => socket.readyState === WebSocket.OPEN)).toBe(true);
});

it("closes the oldest of a network that opens too many, and refuses when the relay is full", async () => {
  const { open } = fromOnePlace();
  const first = await open();
  const others = await Promise.all(Array.from({ length: SOCKETS_PER_NETWORK - 1 }, open));
  expect(first.socket.readyState).toBe(WebSocket.OPEN);
  await open();
  expect(await first.closed).toBe(4409);
  expect(others.every(({ socket }) => socket.readyState === WebSocket.OPEN)).toBe(true);
  vi.spyOn(Seats.prototype, "size", "get").mockReturnValue(SOCKETS_MAX);
  await expect(open()).rejects.toThrow("503 too_many_subscribers");
});

it("tells the same to who watches twice, and begins anew from where the second wants", async () => {
  const { post, actor } = await publishedPost();
  const ada = await signUp();
  await actor.comment({ author: ada.person.id, text: "one" });
  const client = await connect();
  client.watch(post.id, 1);
  await client.until(2);
  client.watch(post.id, 1);
  await vi.waitFor(() => expect(client.texts).toEqual(["one", "one"]));
});

it("tells nobody anything while D1 does not say who they are, and everything when it does", async () => {
  const [{ post, actor }, ada] = [await publishedPost(), await signUp()];
  const client = (await connect(ada)).watch(post.id);
  await Promise.all([client.until(1), client.untilTold(1)]);
  const relay = relayNamed(env, relayOfPerson("weur", ada.person.id));
  await evict(relay);
  const database = databaseOf(env, ada.person.id);
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
