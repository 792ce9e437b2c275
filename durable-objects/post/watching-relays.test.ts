import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { noteArrived, flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { connect, folded, hangUp, type LiveClient } from "../../tests/runtime/live/live.ts";
import { signUp } from "../../tests/runtime/world/people.ts";
import { newPerson, publishedPost } from "../../tests/runtime/world/posts.ts";
import { interceptRelayCalls, evict, networkAtOneRelay, relaysOf } from "../../tests/runtime/live/relays.ts";
import { sleep } from "../live/sleep.ts";

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  hangUp();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("goes on with the same sockets after the relay, the actor or both were evicted", async () => {
  const { post, actor } = await publishedPost();
  const { open, evict: evictRelay } = networkAtOneRelay();
  const client = (await open()).watch(post.id);
  await client.until(1);
  const evictions = [[evictRelay], [() => evict(actor)], [evictRelay, () => evict(actor)]];
  for (const [index, steps] of evictions.entries()) {
    for (const evictOne of steps) await evictOne();
    await actor.like(newPerson());
    await client.until(index + 2);
  }
  folded(client.frames);
  expect(client.frames).toHaveLength(4);
});

it("serves new and earlier watchers after the relay was evicted", async () => {
  const { post, actor } = await publishedPost();
  const { open, evict: evictRelay } = networkAtOneRelay();
  const first = (await open()).watch(post.id);
  await first.until(1);
  await evictRelay();
  const second = (await open()).watch(post.id);
  await second.until(1);
  await actor.like(newPerson());
  await Promise.all([first.until(2), second.until(2)]);
  expect([first.frames.length, second.frames.length]).toEqual([2, 2]);
});

it("is forgotten by the post's actor when it has no watchers, and registered again with the next one", async () => {
  const { post, actor } = await publishedPost();
  const { open } = networkAtOneRelay();
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

it("serves a socket that begins to watch while the relay reports no watchers", async () => {
  const { post, actor } = await publishedPost();
  const { open } = networkAtOneRelay();
  const client = (await open()).watch(post.id);
  await client.until(1);
  client.say({ unwatch: [post.id] });
  await sleep(50);
  const answers: boolean[] = [];
  interceptRelayCalls(async (pass, window) => {
    answers.push(await pass(window));
    while (client.frames.length < 2) await sleep(10);
    return answers.at(-1) ?? false; // No longer true.
  });
  await actor.like(newPerson());
  await vi.waitFor(() => expect(answers).toEqual([false]));
  await client.watch(post.id, 1).until(2);
  await actor.like(newPerson());
  await client.until(3);
  expect(await relaysOf(actor)).toBe(1);
});

it("gets one call for all of its sockets, as does every other relay", async () => {
  const { post, actor } = await publishedPost();
  const calls: string[] = [];
  interceptRelayCalls((pass, window, relay) => {
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

it("makes neither other relays nor likes wait for a slow relay", async () => {
  const { post, actor } = await publishedPost();
  const [near, far] = [networkAtOneRelay(), { network: "10.9.9.9" }];
  const quick = (await near.open()).watch(post.id);
  const slow = (await connect({ headers: { "cf-connecting-ip": far.network }, cf: { continent: "OC" } })).watch(
    post.id,
  );
  await Promise.all([quick.until(1), slow.until(1)]);
  interceptRelayCalls(async (pass, window, relay) => {
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

it("costs an unwatched post nothing: no call, no row, no timer", async () => {
  const { actor } = await publishedPost();
  const getByName = vi.spyOn(env.LIVE_RELAYS, "getByName");
  await actor.like(newPerson());
  await sleep(400);
  expect(getByName).not.toHaveBeenCalled();
  expect(await relaysOf(actor)).toBe(0);
});

it("gets the change after a failed call, even if the actor was evicted in the meantime", async () => {
  const { post, actor } = await publishedPost();
  const client = (await networkAtOneRelay().open()).watch(post.id);
  await client.until(1);
  let failed = 0;
  interceptRelayCalls(async () => {
    failed += 1;
    throw new Error("Network connection lost.");
  });
  await actor.like(newPerson());
  await vi.waitFor(() => expect(failed).toBe(1));
  await noteArrived(actor, { from: 1, to: 2 }); // Leaves the alarm nothing else to do.
  vi.restoreAllMocks();
  await evict(actor);
  // The alarm that was set for this case brings the actor back.
  expect(await flush(actor)).toBe(true);
  await client.until(2);
  expect(client.frames).toHaveLength(2);
});

it("retries in time when a change comes while a retry is due", async () => {
  const { post, actor } = await publishedPost();
  const client = (await networkAtOneRelay().open()).watch(post.id);
  await client.until(1);
  let calls = 0;
  interceptRelayCalls((pass, window) => {
    calls += 1;
    if (calls === 1) throw new Error("lost");
    return pass(window);
  });
  await actor.like(newPerson());
  await vi.waitFor(() => expect(calls).toBe(1));
  await actor.like(newPerson()); // Its frame is due before the retry is.
  await client.until(3);
});

// What may happen to a call, and the steps between two calls.
const MISHAPS = ["lost", "answer lost", "twice", "none"] as const;
const STEPS = ["like", "comment", "comment", "evict relay", "evict actor", "reconnect", "pause"] as const;

it("sends frames without gaps or repeats, whatever is lost, repeated or evicted", async () => {
  const { person } = await signUp();
  const property = fc.asyncProperty(
    fc.array(fc.constantFrom(...STEPS), { minLength: 8, maxLength: 16, size: "max" }),
    fc.array(fc.constantFrom(...MISHAPS), { minLength: 3, maxLength: 3 }),
    async (steps, mishaps) => {
      vi.restoreAllMocks();
      recordQueues();
      hangUp();
      const { post, actor } = await publishedPost();
      const { open, evict: evictRelay } = networkAtOneRelay();
      let calls = 0;
      interceptRelayCalls(async (pass, window) => {
        const mishap = calls < 3 ? mishaps[calls % mishaps.length] : "none"; // Mishaps end, so that the run can.
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
          await sleep(20); // Frames under way have arrived or are lost.
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
