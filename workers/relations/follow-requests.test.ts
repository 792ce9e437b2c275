/** The life of a follow request, whatever its two people do meanwhile. */
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Effect } from "../../schema/messages/effects.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { interleaved } from "../../tests/runtime/stores/interleave.ts";
import { ask, makePrivate, outcome, signUp } from "../../tests/runtime/world/people.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { applyDecision } from "./follow-requests.ts";
import { applyBlock } from "./block.ts";
import { applyFollow } from "./follow.ts";
import { acceptAllRequests, ACCEPTED_PER_MESSAGE } from "./accept-all-requests.ts";

type Person = Awaited<ReturnType<typeof signUp>>;
type Pair = { asker: Person; owner: Person };

const STEPS = {
  ask: ["asker", "PUT", "/people/{owner}/follow"],
  withdraw: ["asker", "DELETE", "/people/{owner}/follow"],
  accept: ["owner", "PUT", "/me/requests/{asker}"],
  decline: ["owner", "DELETE", "/me/requests/{asker}"],
  remove: ["owner", "DELETE", "/me/followers/{asker}"],
  block: ["owner", "PUT", "/people/{asker}/block"],
  unblock: ["owner", "DELETE", "/people/{asker}/block"],
  blockBack: ["asker", "PUT", "/people/{owner}/block"],
  unblockBack: ["asker", "DELETE", "/people/{owner}/block"],
  open: ["owner", "PATCH", "/me"],
} as const;
type Step = keyof typeof STEPS | "close";

/** Creates an asker and a private owner who has two posts. */
async function newPair(): Promise<Pair> {
  const [asker, owner] = [await signUp(), await signUp()];
  await withFreshIds(() => {
    const ids = [0, 1].map((age) => newId<PostId>(shardOf(owner.person.id), Date.now() - age));
    return d1Of(env, owner.person.id)
      .prepare("INSERT INTO posts (id, author, caption, media, seq) SELECT value, ?, '', '[]', 1 FROM json_each(?)")
      .bind(owner.person.id, JSON.stringify(ids))
      .run();
  });
  await makePrivate(owner.person);
  return { asker, owner };
}

/** Takes a step over the API. Returns its outcome and the effects it sends, which the test applies. */
async function take(step: Step, pair: Pair, bindings: Env = env) {
  if (step === "close") {
    await makePrivate(pair.owner.person);
    return { answer: "200", sent: [] };
  }
  const sent: Effect[] = [];
  const EFFECTS = queueTo((message) => sent.push(Effect.parse(message)));
  const [by, method, route] = STEPS[step];
  const path = route.replaceAll(/\{(\w+)\}/g, (_, name: keyof Pair) => pair[name].person.handle);
  const response = await ask(method, `/v1${path}`, {
    token: pair[by].token,
    env: { ...bindings, EFFECTS },
    ...(step === "open" && { body: { private: false } }),
  });
  return { answer: await outcome(response), sent };
}

/** Applies an effect, and the effects that it sends. */
async function apply(effect: Effect, bindings: Env = env): Promise<void> {
  const sent: Effect[] = [];
  const EFFECTS = queueTo((message) => sent.push(Effect.parse(message)));
  const recording = { ...bindings, EFFECTS };
  if (effect.kind === "follow") await applyFollow(recording, effect);
  if (effect.kind === "answer") await applyDecision(recording, effect);
  if (effect.kind === "block") await applyBlock(recording, effect);
  if (effect.kind === "open") await acceptAllRequests(recording, effect);
  for (const next of sent) await apply(next, bindings);
}

/** Returns the effects of the pair that the sweep would find. */
async function effectsOf({ asker, owner }: Pair): Promise<Effect[]> {
  const found = new Map<string, Effect>();
  for (const { person } of [asker, owner]) {
    const { results } = await d1Of(env, person.id)
      .prepare("SELECT body FROM effects WHERE instr(body, ?1) > 0")
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

/** Takes steps one after the other, and applies all effects of each. Returns their outcomes. */
async function takeInTurn(pair: Pair, ...steps: Step[]): Promise<string[]> {
  const answers: string[] = [];
  for (const step of steps) {
    answers.push((await take(step, pair)).answer);
    await sweep(pair);
  }
  await expectSettled(pair);
  return answers;
}

/** Reads everything that relates the two. */
async function stateOf({ asker: { person: asker }, owner: { person: owner } }: Pair) {
  const row = async <T>(of: PersonId, sql: string, ...values: unknown[]) =>
    d1Of(env, of)
      .prepare(sql)
      .bind(...values)
      .first<T>();
  const one = async <T>(...asked: Parameters<typeof row>): Promise<T> => {
    const found = await row<T>(...asked);
    if (found === null) throw new Error("the query must return a row");
    return found;
  };
  const entry = (recipient: PersonId, kind: string) =>
    row<{ count: number; actors: string; raised: number; isUnread: number }>(
      recipient,
      `SELECT count, actors, raised, raised > seen AS isUnread FROM notifications WHERE recipient = ? AND kind = ?`,
      recipient,
      kind,
    );
  const fact = await row<{ active: number; requested: number; version: number; asked: number }>(
    asker.id,
    "SELECT active, requested, version, asked FROM following WHERE follower = ? AND followee = ?",
    asker.id,
    owner.id,
  );
  return {
    fact: fact ?? { active: 0, requested: 0, version: 0, asked: 0 },
    mirror: (await row<{ active: number; pending: number; version: number; asked: number; isTold: number }>(
      owner.id,
      `SELECT active, pending, version, asked, told_in IS NOT NULL AS isTold FROM followers
       WHERE followee = ? AND follower = ?`,
      owner.id,
      asker.id,
    )) ?? { active: 0, pending: 0, version: 0, asked: 0, isTold: 0 },
    isBlocked: (await row(asker.id, "SELECT 1 FROM blocks WHERE person = ? AND (mine OR theirs)", asker.id)) !== null,
    isMuted: (await row(asker.id, "SELECT 1 FROM mutes WHERE person = ?", asker.id)) !== null,
    feed: (
      await one<{ n: number }>(
        asker.id,
        "SELECT count(*) AS n FROM feed WHERE reader = ? AND author = ?",
        asker.id,
        owner.id,
      )
    ).n,
    owner: await one<{ private: number; requests: number; followers: number }>(
      owner.id,
      "SELECT private, requests, followers FROM people WHERE id = ?",
      owner.id,
    ),
    following: (await one<{ following: number }>(asker.id, "SELECT following FROM people WHERE id = ?", asker.id))
      .following,
    asked: await entry(owner.id, "follow_request"),
    followed: await entry(owner.id, "follow"),
    accepted: await entry(asker.id, "request_accepted"),
  };
}

async function expectSettled(pair: Pair): Promise<Awaited<ReturnType<typeof stateOf>>> {
  expect(await effectsOf(pair)).toEqual([]);
  const state = await stateOf(pair);
  const { fact, mirror, owner, asked, followed } = state;
  expect(fact.active + fact.requested).toBeLessThanOrEqual(1);
  expect([mirror.active, mirror.pending, mirror.version, mirror.asked]).toEqual([
    fact.active,
    fact.requested,
    fact.version,
    fact.asked,
  ]);
  if (state.isBlocked) expect([fact.active, fact.requested]).toEqual([0, 0]);
  if (owner.private === 0) expect(fact.requested).toBe(0);
  expect(owner).toMatchObject({ requests: fact.requested, followers: fact.active });
  expect([state.following, state.feed]).toEqual([fact.active, state.isMuted ? 0 : fact.active * 2]);
  const names = (is: number) => JSON.stringify(is ? [pair.asker.person.id] : []);
  expect([asked?.count ?? 0, asked?.actors ?? "[]"]).toEqual([mirror.pending, names(mirror.pending)]);
  expect([followed?.count ?? 0, followed?.actors ?? "[]"]).toEqual([mirror.isTold, names(mirror.isTold)]);
  if (mirror.isTold) expect(fact.active).toBe(1);
  return state;
}

describe("a request", () => {
  it("becomes a follow when accepted, and each person is notified once of what the other did", async () => {
    const pair = await newPair();
    await takeInTurn(pair, "ask");
    const asked = await stateOf(pair);
    expect(asked).toMatchObject({ fact: { requested: 1 }, asked: { count: 1, isUnread: 1 }, accepted: null });
    expect(await takeInTurn(pair, "accept", "accept")).toEqual(["200", "200"]);
    const accepted = await stateOf(pair);
    expect(accepted).toMatchObject({ fact: { active: 1 }, asked: { count: 0 }, followed: null });
    expect(accepted.accepted).toMatchObject({ count: 1, isUnread: 1 });
  });

  it("cannot be accepted if it was never made, withdrawn or declined", async () => {
    const pair = await newPair();
    expect(await takeInTurn(pair, "accept")).toEqual(["404 request_not_found"]);
    expect(await takeInTurn(pair, "ask", "withdraw", "accept")).toEqual(["200", "200", "404 request_not_found"]);
    expect(await takeInTurn(pair, "ask", "decline", "decline", "accept")).toEqual([
      "200",
      "200",
      "200",
      "404 request_not_found",
    ]);
    expect((await stateOf(pair)).fact).toMatchObject({ active: 0, requested: 0 });
  });

  it("is not accepted by the decision about an earlier one", async () => {
    const pair = await newPair();
    await takeInTurn(pair, "ask");
    // These are not mirrored yet, so the owner sees and accepts the first request.
    for (const step of ["withdraw", "ask"] as const) await take(step, pair);
    expect((await take("accept", pair)).answer).toBe("200");
    await sweep(pair);
    expect(await expectSettled(pair)).toMatchObject({ fact: { active: 0, requested: 1 }, accepted: null });
  });

  it("does not notify the asker of an acceptance by somebody they have muted", async () => {
    const pair = await newPair();
    const { asker, owner } = pair;
    await ask("PUT", `/v1/people/${owner.person.handle}/mute`, { token: asker.token });
    await takeInTurn(pair, "ask", "accept");
    expect(await stateOf(pair)).toMatchObject({ fact: { active: 1 }, accepted: null });
  });

  it("makes a notification unread once a week, however often it is declined, withdrawn and repeated", async () => {
    const pair = await newPair();
    await takeInTurn(pair, "ask", "decline");
    const { asked } = await stateOf(pair);
    await takeInTurn(pair, "ask", "withdraw", "ask", "decline", "ask");
    expect(await stateOf(pair)).toMatchObject({ asked: { count: 1, raised: asked?.raised } });
    const database = d1Of(env, pair.owner.person.id);
    await database
      .prepare("UPDATE followers SET told_at = told_at - 7 * 86400000 - 1 WHERE followee = ?")
      .bind(pair.owner.person.id)
      .run();
    await takeInTurn(pair, "withdraw", "ask");
    expect((await stateOf(pair)).asked?.raised).toBeGreaterThan(asked?.raised ?? Number.NaN);
  });

  it("ends when either person blocks the other", async () => {
    for (const block of ["block", "blockBack"] as const) {
      const pair = await newPair();
      await takeInTurn(pair, "ask", block);
      expect((await stateOf(pair)).fact).toMatchObject({ active: 0, requested: 0 });
    }
  });

  it("is decided correctly if the effect of the decision is late or repeated", async () => {
    const pair = await newPair();
    await takeInTurn(pair, "ask");
    const lost = { kind: "answer", follower: pair.asker.person.id, followee: pair.owner.person.id } as const;
    await take("accept", pair);
    // Repeats the effect at once, and again after the follow has been withdrawn.
    for (let times = 0; times < 3; times += 1) await apply({ ...lost, id: newId(shardOf(pair.owner.person.id)) });
    await sweep(pair);
    expect(await expectSettled(pair)).toMatchObject({ fact: { active: 1, version: 2 } });
    await takeInTurn(pair, "withdraw");
    await apply({ ...lost, id: newId(shardOf(pair.owner.person.id)) });
    await sweep(pair);
    expect(await expectSettled(pair)).toMatchObject({ fact: { active: 0, requested: 0 } });
  });
});

describe("a private person", () => {
  it("can remove a follower, who may ask again", async () => {
    const pair = await newPair();
    expect(await takeInTurn(pair, "ask", "accept", "remove", "remove")).toEqual(["200", "200", "200", "200"]);
    expect((await stateOf(pair)).fact).toMatchObject({ active: 0, requested: 0, version: 3 });
    await takeInTurn(pair, "ask");
    expect((await stateOf(pair)).fact).toMatchObject({ active: 0, requested: 1 });
  });

  it("keeps their followers when they become private, and accepts all requests when they become public", async () => {
    const pair = await newPair();
    await makePrivate(pair.owner.person, false);
    await takeInTurn(pair, "ask", "close");
    expect((await stateOf(pair)).fact).toMatchObject({ active: 1 });
    const others = await Promise.all(Array.from({ length: ACCEPTED_PER_MESSAGE + 2 }, () => signUp()));
    for (const asker of others) {
      for (const effect of (await take("ask", { ...pair, asker })).sent) await apply(effect);
    }
    const owners = async () => (await stateOf(pair)).owner;
    expect(await owners()).toEqual({ private: 1, requests: others.length, followers: 1 });
    for (const effect of (await take("open", pair)).sent) await apply(effect);
    expect(await owners()).toEqual({ private: 0, requests: 0, followers: others.length + 1 });
    for (const asker of others) await expectFollows({ ...pair, asker });
  });

  it("accepts a request that is mirrored after they have become public", async () => {
    const pair = await newPair();
    const { sent } = await take("ask", pair);
    await takeInTurn(pair, "open");
    for (const effect of sent) await apply(effect);
    await sweep(pair);
    expect(await expectSettled(pair)).toMatchObject({ fact: { active: 1 } });
  });
});

async function expectFollows(pair: Pair): Promise<void> {
  const { fact, mirror } = await stateOf(pair);
  expect([fact.active, fact.requested, mirror.active, mirror.pending]).toEqual([1, 0, 1, 0]);
}

const REFUSALS = ["409 unblock_first", "404 person_not_found", "404 request_not_found", "503 unavailable"];

/** Runs the steps concurrently or in turn, with each effect twice and at any time, and then sweeps. */
async function runAll(pair: Pair, steps: readonly Step[], inTurn: boolean, scheduler: fc.Scheduler) {
  const slow = interleaved(env, scheduler);
  const running: Promise<void>[] = [];
  const run = async (step: Step) => {
    const { answer, sent } = await take(step, pair, slow);
    expect(["200", ...REFUSALS]).toContain(answer);
    for (const effect of [...sent, ...sent]) running.push(apply(effect, slow));
  };
  const everything = async () => {
    if (inTurn) for (const step of steps) await run(step);
    else await Promise.all(steps.map(run));
    await Promise.all(running);
  };
  await scheduler.waitFor(everything());
  await sweep(pair);
}

it("ends up as the facts say, whatever the two do and however the effects run", async () => {
  const step = fc.constantFrom<Step[]>("ask", "ask", ...(Object.keys(STEPS) as Step[]), "close");
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 2, maxLength: 5 }),
      fc.boolean(),
      fc.scheduler(),
      async (steps, inTurn, scheduler) => {
        const pair = await newPair();
        await runAll(pair, ["ask", ...steps], inTurn, scheduler);
        await expectSettled(pair);
      },
    ),
    { numRuns: 50 },
  );
}, 120_000);

it("is never accepted without a decision, whatever else happens", async () => {
  const others = Object.keys(STEPS).filter((step) => step !== "accept" && step !== "open") as Step[];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom<Step[]>("ask", "ask", ...others), { minLength: 2, maxLength: 5 }),
      fc.boolean(),
      fc.scheduler(),
      async (steps, inTurn, scheduler) => {
        const pair = await newPair();
        await runAll(pair, steps, inTurn, scheduler);
        expect(await expectSettled(pair)).toMatchObject({ fact: { active: 0 }, accepted: null });
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);
