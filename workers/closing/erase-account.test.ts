/** How an account is erased: in bounded messages, despite failures and repetitions, and while shards move. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Closings } from "../../schema/api/closings.ts";
import { type EffectId, newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { readShardMap, shardOfHandle } from "../../schema/d1/shards.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { withCalls } from "../../tests/runtime/stores/calls.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { operate } from "../../tests/runtime/world/dead-letters.ts";
import { emptyPair, PAIR, personIn } from "../../tests/runtime/world/pair.ts";
import { ask, outcome, signUp } from "../../tests/runtime/world/people.ts";
import { newPerson, newPost, writeFollow } from "../../tests/runtime/world/posts.ts";
import { actorRowsWith, PASSWORD, rowsWith, Stage } from "../../tests/runtime/closing/world.ts";
import { beginMove, moveOf } from "../shards/moves.ts";
import { runStep } from "../shards/phases.ts";
import { closeAccount } from "./close.ts";
import { eraseAccount } from "./erase-account.ts";
import { HANDLE_RESERVED_FOR, PROOF_KEPT_FOR, tidyClosings } from "./sweeps.ts";
import { countSql, ERASED } from "./tables.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const isTombstone = (row: string) => /^(handles|closings|closed_people):/.test(row);

/** Fills the world of one person, and returns the posts of others that they have liked and commented on. */
async function busy(id: PersonId, counts: { likes: number; comments: number; followers: number }): Promise<PostId[]> {
  const post = async () => {
    const { id: other, ...rest } = newPost();
    await env.POSTS.getByName(other).publish({ id: other, ...rest });
    return other;
  };
  const liked = await Promise.all(Array.from({ length: counts.likes }, post));
  await Promise.all(liked.map((other) => env.POSTS.getByName(other).like(id)));
  const [spoken] = liked;
  if (!spoken) throw new Error("nothing was liked");
  for (let index = 0; index < counts.comments; index += 1) {
    await env.POSTS.getByName(spoken).comment({ author: id, text: `Comment ${index}` });
  }
  await Promise.all(Array.from({ length: counts.followers }, () => writeFollow(newPerson(), id)));
  return liked;
}

it("finds every row that names a person by an index, but for messages", async () => {
  for (const erased of ERASED) {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${countSql(erased)}`)
      .bind("0")
      .all<{ detail: string }>();
    const plan = results.map(({ detail }) => detail).join("; ");
    if (/effects|dead_letters/.test(plan)) continue;
    expect(plan.replace("SCAN (subquery-1)", ""), plan).not.toMatch(/\bSCAN (?!\()/);
  }
});

it("erases a busy account in messages of bounded size, and counts fall exactly", async () => {
  const queues = recordQueues();
  const stage = new Stage(queues);
  const { person } = await signUp();
  const liked = await busy(person.id, { likes: 45, comments: 105, followers: 105 });
  for (const post of liked) stage.posts.add(post);
  await stage.settle();
  await closeAccount(stage.env, person.id);
  const before = await rowsWith([person.id]);
  expect(before.filter((row) => row.startsWith("likes:"))).toHaveLength(45);
  expect(before.filter((row) => row.startsWith("comments:"))).toHaveLength(105);

  let messages = 0;
  let most = 0;
  let calls = 0;
  const counted = withCalls(stage.bindings, (_, go) => {
    calls += 1;
    return go();
  });
  for (let effect = stage.effects.shift(); effect; effect = stage.effects.shift()) {
    if (effect.kind !== "close") continue;
    calls = 0;
    await eraseAccount(counted, effect);
    most = Math.max(most, calls);
    messages += 1;
    expect(messages).toBeLessThan(30);
  }
  expect(messages).toBeGreaterThan(1);
  expect(most).toBeLessThan(500); // Half of the calls that one invocation may make.
  await stage.settleWithCron();
  expect((await rowsWith([person.id])).filter((row) => !isTombstone(row))).toEqual([]);
  expect(await actorRowsWith(liked, [person.id])).toEqual([]);
  const rows = await Promise.all(
    liked.map((post) =>
      d1Of(env, post).prepare("SELECT likes, comments FROM post_stats WHERE post = ?").bind(post).first(),
    ),
  );
  expect(new Set(rows.map((row) => JSON.stringify(row)))).toEqual(new Set(['{"likes":0,"comments":0}']));
}, 120_000);

it.each([3, 8])(
  "goes on wherever a store fails or a process dies (every call number %i)",
  async (every) => {
    const queues = recordQueues();
    const stage = new Stage(queues);
    const [{ person }, fan] = [await signUp(), await signUp()];
    for (const level of ["warn", "error"] as const) vi.spyOn(console, level).mockReturnValue();
    const liked = await busy(person.id, { likes: 6, comments: 8, followers: 3 });
    for (const post of liked) stage.posts.add(post);
    await stage.ask(fan, "PUT", `/v1/people/${person.handle}/follow`);
    await stage.settle();
    await closeAccount(stage.env, person.id);
    const [effect] = stage.effects.splice(0);
    if (effect?.kind !== "close") throw new Error("there is no effect");

    let calls = 0;
    let fails = every;
    const failing = withCalls(stage.bindings, async (_, go) => {
      calls += 1;
      if (calls !== fails) return go();
      if (calls % 2 === 0) await go(); // Done, but nobody learns of it.
      throw new Error("the store is down");
    });
    let failures = 0;
    for (let attempt = 0; attempt < 25; attempt += 1) {
      calls = 0;
      fails = every + attempt; // Each attempt gets a little further.
      // Two at once, as a queue may deliver them.
      const ends = await Promise.allSettled([eraseAccount(failing, effect), eraseAccount(failing, effect)]);
      failures += ends.filter(({ status }) => status === "rejected").length;
    }
    expect(failures).toBeGreaterThan(10);
    await stage.settleWithCron();
    expect((await rowsWith([person.id])).filter((row) => !isTombstone(row))).toEqual([]);
    expect(await actorRowsWith(liked, [person.id])).toEqual([]);
    const { items } = await (await operate("GET", "/closings")).json<Closings>();
    expect(items.find((one) => one.person === person.id)?.erasedAt).not.toBeNull();
  },
  120_000,
);

describe("the handle", () => {
  it("is reserved for 30 days, then free, and the proof goes after 90", async () => {
    const stage = new Stage(recordQueues());
    const { person } = await signUp();
    const { handle } = person;
    await closeAccount(stage.env, person.id);
    await stage.settleWithCron();
    const take = () => ask("POST", "/v1/people", { body: { handle, password: PASSWORD } });
    // The claim is far older than one that a sign-up has given up.
    const later = vi.spyOn(Date, "now");
    const begun = performance.timeOrigin + performance.now();
    const at = (ms: number) => later.mockReturnValue(Math.floor(begun) + ms);

    at(HANDLE_RESERVED_FOR - 60_000);
    await tidyClosings(env);
    expect(await outcome(await take())).toBe("409 handle_taken");
    at(HANDLE_RESERVED_FOR + 60_000);
    await tidyClosings(env);
    later.mockRestore();
    expect((await rowsWith([handle])).filter((row) => row.includes(person.id))).toEqual([]);
    expect((await take()).status).toBe(201);

    await tidyClosings(env, Date.now() + PROOF_KEPT_FOR + 60_000);
    expect((await rowsWith([person.id])).map((row) => row.split(":")[0])).toContain("closed_people");
    expect((await rowsWith([person.id])).filter((row) => row.startsWith("closings:"))).toEqual([]);
    expect(d1Of(env, shardOfHandle(handle))).toBeDefined();
  });
});

it("finishes an account whose shard moves meanwhile, and keeps it closed in the new database", async () => {
  const world = { ...(await emptyPair()), EFFECTS: queueTo(() => {}) };
  recordQueues();
  const old = await personIn(world, 17);
  await closeAccount(world, old.id); // Before the second database has anything.
  await world.DB_1.prepare("DELETE FROM closed_people").run();
  const gone = await personIn(world, 5000);
  const fan = await personIn(world, 5001);
  await writeFollow(fan.id, gone.id, world);
  const database = d1Of(world, gone.id);
  for (let index = 0; index < 40; index += 1) {
    await database
      .prepare("INSERT INTO idempotency_keys (person, key, post) VALUES (?, ?, ?)")
      .bind(gone.id, String(index), newId<PostId>(shardOf(gone.id)))
      .run();
  }
  await closeAccount(world, gone.id);
  const { id } = await beginMove(world, { first: 4096, last: 8191, target: "DB_1" });
  for (let steps = 0; (await moveOf(world, id)).phase !== "done"; steps += 1) {
    expect(steps).toBeLessThan(300);
    await PAIR.DB.prepare("UPDATE shard_moves SET published_at = published_at - 60000 WHERE id = ?").bind(id).run();
    await readShardMap(PAIR);
    // While writes are refused it fails, and cron repeats it.
    const effect = newEffectOf(gone.id);
    if (steps > 3) await eraseAccount(world, effect).catch(() => undefined);
    await runStep(world, id);
  }
  await eraseAccount(world, newEffectOf(gone.id));
  for (const database of [world.DB, world.DB_1]) {
    const { results } = await database.prepare("SELECT person FROM closed_people ORDER BY person").all();
    expect(results).toEqual([gone.id, old.id].toSorted().map((person) => ({ person })));
    const left = await database
      .prepare(
        "SELECT (SELECT count(*) FROM following) + (SELECT count(*) FROM followers) + (SELECT count(*) FROM idempotency_keys) AS n",
      )
      .first("n");
    expect(left).toBe(0);
  }
  const proof = await world.DB_1.prepare("SELECT done_at FROM closings WHERE person = ?")
    .bind(gone.id)
    .first("done_at");
  expect(proof).not.toBeNull();
  await readShardMap(env);
});

const newEffectOf = (person: PersonId) => ({ kind: "close", id: newId<EffectId>(shardOf(person)), person }) as const;
