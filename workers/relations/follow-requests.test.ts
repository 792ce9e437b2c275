/** A request to follow from its beginning to its end, whatever both of the two do meanwhile. */
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Effect } from "../../schema/messages/facts.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { interleaved } from "../../tests/runtime/interleave.ts";
import { ask, hide, outcome, signUp } from "../../tests/runtime/people.ts";
import { queueTo } from "../../tests/runtime/queue.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { applyAnswer } from "./follow-requests.ts";
import { applyBlock } from "./block.ts";
import { applyFollow } from "./follow.ts";
import { acceptAll, ACCEPTED_PER_MESSAGE } from "./accept-all-requests.ts";

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

/** The owner is private, and has two posts. */
async function newPair(): Promise<Pair> {
  const [asker, owner] = [await signUp(), await signUp()];
  await withFreshIds(() => {
    const ids = [0, 1].map((age) => newId<PostId>(shardOf(owner.person.id), Date.now() - age));
    return databaseOf(env, owner.person.id)
      .prepare("INSERT INTO posts (id, author, caption, media, seq) SELECT value, ?, '', '[]', 1 FROM json_each(?)")
      .bind(owner.person.id, JSON.stringify(ids))
      .run();
  });
  await hide(owner.person);
  return { asker, owner };
}

/** Takes a step. Gives back what it sends to the queue, which nobody else applies. */
async function take(step: Step, pair: Pair, bindings: Env = env) {
  if (step === "close") {
    await hide(pair.owner.person);
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

/** Applies an effect, and what it sends in its turn. */
async function apply(effect: Effect, bindings: Env = env): Promise<void> {
  const sent: Effect[] = [];
  const EFFECTS = queueTo((message) => sent.push(Effect.parse(message)));
  const deaf = { ...bindings, EFFECTS };
  if (effect.kind === "follow") await applyFollow(deaf, effect);
  if (effect.kind === "answer") await applyAnswer(deaf, effect);
  if (effect.kind === "block") await applyBlock(deaf, effect);
  if (effect.kind === "open") await acceptAll(deaf, effect);
  for (const next of sent) await apply(next, bindings);
}

/** What the sweep would find of the two. */
async function effectsOf({ asker, owner }: Pair): Promise<Effect[]> {
  const found = new Map<string, Effect>();
  for (const { person } of [asker, owner]) {
    const { results } = await databaseOf(env, person.id)
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

/** One after the other, each with all that follows from it. */
async function after(pair: Pair, ...steps: Step[]): Promise<string[]> {
  const answers: string[] = [];
  for (const step of steps) {
    answers.push((await take(step, pair)).answer);
    await sweep(pair);
  }
  await expectSettled(pair);
  return answers;
}

/** Everything between the two. */
async function stateOf({ asker: { person: asker }, owner: { person: owner } }: Pair) {
  const row = async <T>(of: PersonId, sql: string, ...values: unknown[]) =>
    databaseOf(env, of)
      .prepare(sql)
      .bind(...values)
      .first<T>();
  const one = async <T>(...asked: Parameters<typeof row>): Promise<T> => {
    const found = await row<T>(...asked);
    if (found === null) throw new Error("it has one row");
    return found;
  };
  const entry = (recipient: PersonId, kind: string) =>
    row<{ count: number; actors: string; raised: number; isUnread: number }>(
      recipient,
      `SELECT count, actors, raised, raised > seen AS isUnread FROM notifications WHERE recipient = ? AND kind = ?`,
      recipient,
      kind,
    );
  const truth = await row<{ active: number; requested: number; version: number; asked: number }>(
    asker.id,
    "SELECT active, requested, version, asked FROM following WHERE follower = ? AND followee = ?",
    asker.id,
    owner.id,
  );
  return {
    truth: truth ?? { active: 0, requested: 0, version: 0, asked: 0 },
    mirror: (await row<{ active: number; pending: number; version: number; asked: number; isTold: number }>(
      owner.id,
      `SELECT active, pending, version, asked, told_in IS NOT NULL AS isTold FROM followers
       WHERE followee = ? AND follower = ?`,
      owner.id,
      asker.id,
    )) ?? { active: 0, pending: 0, version: 0, asked: 0, isTold: 0 },
    isBlocked: (await row(asker.id, "SELECT 1 FROM blocks WHERE person = ? AND (mine OR theirs)", asker.id)) !== null,
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
  const { truth, mirror, owner, asked, followed } = state;
  expect(truth.active + truth.requested).toBeLessThanOrEqual(1);
  expect([mirror.active, mirror.pending, mirror.version, mirror.asked]).toEqual([
    truth.active,
    truth.requested,
    truth.version,
    truth.asked,
  ]);
  if (state.isBlocked) expect([truth.active, truth.requested]).toEqual([0, 0]);
  if (owner.private === 0) expect(truth.requested).toBe(0);
  expect(owner).toMatchObject({ requests: truth.requested, followers: truth.active });
  expect([state.following, state.feed]).toEqual([truth.active, truth.active * 2]);
  const names = (is: number) => JSON.stringify(is ? [pair.asker.person.id] : []);
  expect([asked?.count ?? 0, asked?.actors ?? "[]"]).toEqual([mirror.pending, names(mirror.pending)]);
  expect([followed?.count ?? 0, followed?.actors ?? "[]"]).toEqual([mirror.isTold, names(mirror.isTold)]);
  if (mirror.isTold) expect(truth.active).toBe(1);
  return state;
}

describe("a request", () => {
  it("becomes a follow when it is accepted, and each is told once of what the other did", async () => {
    const pair = await newPair();
    await after(pair, "ask");
    const asked = await stateOf(pair);
    expect(asked).toMatchObject({ truth: { requested: 1 }, asked: { count: 1, isUnread: 1 }, accepted: null });
    expect(await after(pair, "accept", "accept")).toEqual(["200", "200"]);
    const accepted = await stateOf(pair);
    expect(accepted).toMatchObject({ truth: { active: 1 }, asked: { count: 0 }, followed: null });
    expect(accepted.accepted).toMatchObject({ count: 1, isUnread: 1 });
  });

  it("is nothing that can be accepted when it was never made, or is over", async () => {
    const pair = await newPair();
    expect(await after(pair, "accept")).toEqual(["404 request_not_found"]);
    expect(await after(pair, "ask", "withdraw", "accept")).toEqual(["200", "200", "404 request_not_found"]);
    expect(await after(pair, "ask", "decline", "decline", "accept")).toEqual([
      "200",
      "200",
      "200",
      "404 request_not_found",
    ]);
    expect((await stateOf(pair)).truth).toMatchObject({ active: 0, requested: 0 });
  });

  it("is not accepted with the answer to an earlier one", async () => {
    const pair = await newPair();
    await after(pair, "ask");
    // Their mirrors are late, so what the owner sees and accepts is the first request.
    for (const step of ["withdraw", "ask"] as const) await take(step, pair);
    expect((await take("accept", pair)).answer).toBe("200");
    await sweep(pair);
    expect(await expectSettled(pair)).toMatchObject({ truth: { active: 0, requested: 1 }, accepted: null });
  });

  it("tells nobody of an acceptance by whom they have muted", async () => {
    const pair = await newPair();
    const { asker, owner } = pair;
    await ask("PUT", `/v1/people/${owner.person.handle}/mute`, { token: asker.token });
    await after(pair, "ask", "accept");
    expect(await stateOf(pair)).toMatchObject({ truth: { active: 1 }, accepted: null });
  });

  it("raises nothing anew for a week, however often it is declined, withdrawn and made again", async () => {
    const pair = await newPair();
    await after(pair, "ask", "decline");
    const { asked } = await stateOf(pair);
    await after(pair, "ask", "withdraw", "ask", "decline", "ask");
    expect(await stateOf(pair)).toMatchObject({ asked: { count: 1, raised: asked?.raised } });
    const database = databaseOf(env, pair.owner.person.id);
    await database
      .prepare("UPDATE followers SET told_at = told_at - 7 * 86400000 - 1 WHERE followee = ?")
      .bind(pair.owner.person.id)
      .run();
    await after(pair, "withdraw", "ask");
    expect((await stateOf(pair)).asked?.raised).toBeGreaterThan(asked?.raised ?? Number.NaN);
  });

  it("ends with a block by either of the two", async () => {
    for (const block of ["block", "blockBack"] as const) {
      const pair = await newPair();
      await after(pair, "ask", block);
      expect((await stateOf(pair)).truth).toMatchObject({ active: 0, requested: 0 });
    }
  });

  it("holds when its answer could not be applied at once", async () => {
    const pair = await newPair();
    await after(pair, "ask");
    const lost = { kind: "answer", follower: pair.asker.person.id, followee: pair.owner.person.id } as const;
    await take("accept", pair);
    // The same, again and late; and one that nothing stands behind.
    for (let times = 0; times < 3; times += 1) await apply({ ...lost, id: newId(shardOf(pair.owner.person.id)) });
    await sweep(pair);
    expect(await expectSettled(pair)).toMatchObject({ truth: { active: 1, version: 2 } });
    await after(pair, "withdraw");
    await apply({ ...lost, id: newId(shardOf(pair.owner.person.id)) });
    await sweep(pair);
    expect(await expectSettled(pair)).toMatchObject({ truth: { active: 0, requested: 0 } });
  });
});

describe("a private person", () => {
  it("removes a follower, who may ask again", async () => {
    const pair = await newPair();
    expect(await after(pair, "ask", "accept", "remove", "remove")).toEqual(["200", "200", "200", "200"]);
    expect((await stateOf(pair)).truth).toMatchObject({ active: 0, requested: 0, version: 3 });
    await after(pair, "ask");
    expect((await stateOf(pair)).truth).toMatchObject({ active: 0, requested: 1 });
  });

  it("keeps their followers when they become private, and accepts all requests when they become public", async () => {
    const pair = await newPair();
    await hide(pair.owner.person, false);
    await after(pair, "ask", "close");
    expect((await stateOf(pair)).truth).toMatchObject({ active: 1 });
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

  it("accepts, once they are public, a request that was on its way", async () => {
    const pair = await newPair();
    const { sent } = await take("ask", pair);
    await after(pair, "open");
    for (const effect of sent) await apply(effect);
    await sweep(pair);
    expect(await expectSettled(pair)).toMatchObject({ truth: { active: 1 } });
  });
});

async function expectFollows(pair: Pair): Promise<void> {
  const { truth, mirror } = await stateOf(pair);
  expect([truth.active, truth.requested, mirror.active, mirror.pending]).toEqual([1, 0, 1, 0]);
}

const REFUSALS = ["409 unblock_first", "404 person_not_found", "404 request_not_found", "503 unavailable"];

/** Runs the steps at the same time or in turn, with their effects at any time, twice; and then what the sweep finds. */
async function runAll(pair: Pair, steps: readonly Step[], inTurn: boolean, scheduler: fc.Scheduler) {
  const slow = interleaved(env, scheduler);
  const running: Promise<void>[] = [];
  const run = async (step: Step) => {
    const { answer, sent } = await take(step, pair, slow);
    expect(["200", ...REFUSALS]).toContain(answer);
    for (const effect of [...sent, ...sent]) running.push(apply(effect, slow));
  };
  const everybody = async () => {
    if (inTurn) for (const step of steps) await run(step);
    else await Promise.all(steps.map(run));
    await Promise.all(running);
  };
  await scheduler.waitFor(everybody());
  await sweep(pair);
}

it("ends where the facts are, whatever the two do, and however its effects run", async () => {
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

it("is never taken as accepted, whatever else happens", async () => {
  const others = Object.keys(STEPS).filter((step) => step !== "accept" && step !== "open") as Step[];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom<Step[]>("ask", "ask", ...others), { minLength: 2, maxLength: 5 }),
      fc.boolean(),
      fc.scheduler(),
      async (steps, inTurn, scheduler) => {
        const pair = await newPair();
        await runAll(pair, steps, inTurn, scheduler);
        expect(await expectSettled(pair)).toMatchObject({ truth: { active: 0 }, accepted: null });
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);
