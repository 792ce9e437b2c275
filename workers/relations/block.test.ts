import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Effect } from "../../schema/messages/effects.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { d1Of, allD1 } from "../../tests/runtime/stores/d1.ts";
import { interleaved } from "../../tests/runtime/stores/interleave.ts";
import { ask, outcome, signUp } from "../../tests/runtime/world/people.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { applyBlock } from "./block.ts";
import { applyFollow } from "./follow.ts";

type Person = Awaited<ReturnType<typeof signUp>>;
type Pair = readonly [Person, Person];
type Step = { by: 0 | 1; method: "PUT" | "DELETE"; what: "follow" | "block" };

const newPair = async (): Promise<Pair> => {
  const pair = [await signUp(), await signUp()] as const;
  for (const { person } of pair) await publish(person.id, 2);
  return pair;
};

/** Adds posts, but only the rows that a backfill reads. */
async function publish(author: PersonId, count: number): Promise<void> {
  await withFreshIds(() => {
    const ids = Array.from({ length: count }, (_, age) => newId<PostId>(shardOf(author), Date.now() - age));
    return d1Of(env, author)
      .prepare("INSERT INTO posts (id, author, caption, media, seq) SELECT value, ?, '', '[]', 1 FROM json_each(?)")
      .bind(author, JSON.stringify(ids))
      .run();
  });
}

/** Takes a step over the API. Returns its outcome and the effects it sends, which the test applies. */
async function take({ by, method, what }: Step, pair: Pair, bindings: Env = env) {
  const sent: Effect[] = [];
  const EFFECTS = queueTo((message) => sent.push(Effect.parse(message)));
  const path = `/v1/people/${pair[1 - by]?.person.handle}/${what}`;
  const response = await ask(method, path, { token: pair[by].token, env: { ...bindings, EFFECTS } });
  return { answer: await outcome(response), sent };
}

/** Applies an effect, and the effects that it sends. */
async function apply(effect: Effect, bindings: Env = env): Promise<void> {
  const sent: Effect[] = [];
  const EFFECTS = queueTo((message) => sent.push(Effect.parse(message)));
  const recording = { ...bindings, EFFECTS };
  if (effect.kind === "follow") await applyFollow(recording, effect);
  if (effect.kind === "block") await applyBlock(recording, effect);
  for (const next of sent) await apply(next, bindings);
}

/** Returns the effects of the pair that the sweep would find. */
async function effectsOf(pair: Pair): Promise<Effect[]> {
  const found = new Map<string, Effect>();
  for (const { person } of pair) {
    const { results } = await d1Of(env, person.id)
      .prepare("SELECT body FROM effects WHERE ?1 IN (body ->> 'follower', body ->> 'person')")
      .bind(person.id)
      .all<{ body: string }>();
    for (const { body } of results) {
      const effect = Effect.parse(JSON.parse(body));
      found.set(effect.id, effect);
    }
  }
  return [...found.values()];
}

async function sweep(pair: Pair): Promise<void> {
  for (let due = await effectsOf(pair); due.length > 0; due = await effectsOf(pair)) {
    for (const effect of due) await apply(effect);
  }
}

/** Reads everything that relates the two, from the side of the first. */
async function stateOf([{ person: me }, { person: other }]: Pair) {
  const database = d1Of(env, me.id);
  const row = <T>(sql: string, ...values: unknown[]) =>
    database
      .prepare(sql)
      .bind(...values)
      .first<T>();
  const block = await row<{ mine: number; version: number; theirs: number; their_version: number }>(
    "SELECT mine, version, theirs, their_version FROM blocks WHERE person = ? AND other = ?",
    me.id,
    other.id,
  );
  return {
    mine: [block?.mine ?? 0, block?.version ?? 0],
    theirs: [block?.theirs ?? 0, block?.their_version ?? 0],
    follows: await row("SELECT active, version FROM following WHERE follower = ? AND followee = ?", me.id, other.id),
    followed: await row("SELECT active, version FROM followers WHERE followee = ? AND follower = ?", me.id, other.id),
    isFollowed:
      (await row("SELECT 1 FROM followers WHERE followee = ? AND follower = ? AND active = 1", me.id, other.id)) !==
      null,
    isNotified:
      (await row(
        "SELECT 1 FROM notifications WHERE recipient = ? AND kind = 'follow' AND count = 1 AND actors = json_array(?)",
        me.id,
        other.id,
      )) !== null,
    feed: (await row<{ n: number }>("SELECT count(*) AS n FROM feed WHERE reader = ? AND author = ?", me.id, other.id))
      ?.n,
    counts: await row("SELECT followers, following FROM people WHERE id = ?", me.id),
  };
}

/** Expects that both sides agree, no effects are left, and a block leaves no follow. */
async function expectSettled(pair: Pair): Promise<void> {
  expect(await effectsOf(pair)).toEqual([]);
  const [ada, ben] = [await stateOf(pair), await stateOf([pair[1], pair[0]])];
  for (const [one, two] of [
    [ada, ben],
    [ben, ada],
  ] as const) {
    expect(one.theirs).toEqual(two.mine);
    expect(one.followed).toEqual(two.follows);
    expect(one.isNotified).toBe(one.isFollowed);
    expect(one.feed).toBe(two.isFollowed ? 2 : 0);
    expect(one.counts).toEqual({ followers: Number(one.isFollowed), following: Number(two.isFollowed) });
    if (one.mine[0] === 1 || two.mine[0] === 1) expect([one.isFollowed, two.isFollowed]).toEqual([false, false]);
  }
}

const step = (by: 0 | 1, method: Step["method"], what: Step["what"]): Step => ({ by, method, what });

it("ends both follows, with their mirrors, counts, notifications and feeds", async () => {
  const pair = await newPair();
  for (const by of [0, 1] as const) await take(step(by, "PUT", "follow"), pair);
  await sweep(pair);
  await expectSettled(pair);
  expect((await stateOf(pair)).counts).toEqual({ followers: 1, following: 1 });

  expect((await take(step(0, "PUT", "block"), pair)).answer).toBe("200");
  // The follow has ended by the time of the response. Its consequences come with the effects.
  expect(await stateOf([pair[1], pair[0]])).toMatchObject({ theirs: [1, 1], follows: { active: 0 }, feed: 0 });
  await sweep(pair);
  await expectSettled(pair);
  expect((await stateOf(pair)).counts).toEqual({ followers: 0, following: 0 });

  expect((await take(step(0, "DELETE", "block"), pair)).answer).toBe("200");
  await expectSettled(pair);
  expect((await stateOf(pair)).counts).toEqual({ followers: 0, following: 0 });
  expect((await take(step(1, "PUT", "follow"), pair)).answer).toBe("200");
});

it("changes nothing when its effect is repeated, even after an unblock and a new follow", async () => {
  const pair = await newPair();
  const [{ person: ada }, { person: ben }] = pair;
  await take(step(0, "PUT", "block"), pair);
  const late: Effect = { kind: "block", id: newId(shardOf(ada.id)), person: ada.id, other: ben.id };
  const before = [await stateOf(pair), await stateOf([pair[1], pair[0]])];
  await apply(late);
  await apply(late);
  expect([await stateOf(pair), await stateOf([pair[1], pair[0]])]).toEqual(before);

  await take(step(0, "DELETE", "block"), pair);
  await take(step(1, "PUT", "follow"), pair);
  await sweep(pair);
  await apply(late);
  await expectSettled(pair);
  expect((await stateOf(pair)).isFollowed).toBe(true);
});

it("is completed by the sweep if it cannot be applied at once", async () => {
  const pair = await newPair();
  await take(step(1, "PUT", "follow"), pair);
  await sweep(pair);
  // The first batch stores the block. Its effect reads that fact in the second, and then the other's database is down.
  const down = beforeBatches(env, (before) =>
    before === 2 ? Promise.reject(new Error("D1 is down")) : Promise.resolve(),
  );
  const { answer, sent } = await take(step(0, "PUT", "block"), pair, down);
  expect(answer).toBe("200");
  expect(sent).toMatchObject([{ kind: "block" }]);
  expect(await stateOf(pair)).toMatchObject({ mine: [1, 1] });
  expect(await stateOf([pair[1], pair[0]])).toMatchObject({ theirs: [0, 0] });
  await sweep(pair);
  await expectSettled(pair);
});

it("never goes back when a late run has read the fact before an unblock", async () => {
  const pair = await newPair();
  const [{ person: ada }, { person: ben }] = pair;
  await take(step(0, "PUT", "block"), pair);
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const held = beforeBatches(env, (before) => {
    if (before === 0) return Promise.resolve(); // The fact.
    reached.resolve();
    return released.promise;
  });
  const late = apply({ kind: "block", id: newId(shardOf(ada.id)), person: ada.id, other: ben.id }, held);
  await reached.promise;
  await take(step(0, "DELETE", "block"), pair);
  await take(step(1, "PUT", "follow"), pair);
  released.resolve();
  await late;
  await sweep(pair);
  await expectSettled(pair);
  expect(await stateOf(pair)).toMatchObject({ mine: [0, 2], isFollowed: true });
});

/** Returns an `env` that awaits `wait` before each batch at a primary, passing the number of earlier ones. */
function beforeBatches(bindings: Env, wait: (before: number) => Promise<void>): Env {
  let batches = 0;
  const waiting = <T extends object>(database: T): T =>
    new Proxy(database, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
        if (name === "withSession") {
          return (constraint: string) =>
            constraint === "first-primary" ? waiting(call(constraint) as object) : call(constraint);
        }
        if (name !== "batch") return call;
        return async (...args: unknown[]) => {
          await wait(batches++);
          return call(...args);
        };
      },
    });
  const all = new Set<unknown>(allD1(bindings));
  return Object.fromEntries(
    Object.entries(bindings).map(([name, value]) => [name, all.has(value) ? waiting(value as D1Database) : value]),
  ) as unknown as Env;
}

it("ends up as the facts say, however blocks, follows and their effects interleave", async () => {
  const { constantFrom } = fc;
  const by = constantFrom<(0 | 1)[]>(0, 1);
  const anyStep = fc.record(
    {
      by,
      method: constantFrom<Step["method"][]>("PUT", "PUT", "DELETE"),
      what: constantFrom<Step["what"][]>("follow", "block", "block"),
    },
    { noNullPrototype: true },
  );
  const steps = fc.array(anyStep, { minLength: 2, maxLength: 5 });
  const inTurn = fc.boolean();
  const repeated = fc.array(by, { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(steps, inTurn, repeated, fc.scheduler(), async (steps, inTurn, repeated, scheduler) => {
      const pair = await newPair();
      const slow = interleaved(env, scheduler);
      const running: Promise<void>[] = [];
      const run = async (step: Step) => {
        const { answer, sent } = await take(step, pair, slow);
        // 503 when a call is delayed for longer than the deadline for stores. The call may still take effect.
        expect(["200", "409 unblock_first", "404 person_not_found", "503 unavailable"]).toContain(answer);
        for (const effect of [...sent, ...sent]) running.push(apply(effect, slow));
      };
      const everything = async () => {
        const others = Promise.all(repeated.map(again));
        if (inTurn) for (const step of steps) await run(step);
        else await Promise.all(steps.map(run));
        await others;
        await Promise.all(running);
      };
      // Repeats the effect of a block that is under way or done, as the queue and the sweep may at any time.
      const again = scheduler.scheduleFunction(async (by: 0 | 1) => {
        const [person, other] = [pair[by].person.id, pair[1 - by]?.person.id];
        if (other) running.push(apply({ kind: "block", id: newId(shardOf(person)), person, other }, slow));
      });
      await scheduler.waitFor(everything());
      await sweep(pair);
      await expectSettled(pair);
    }),
    { numRuns: 50 },
  );
}, 120_000); // Many requests, each of many steps.
