import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { newId, type PostId } from "../../../schema/ids.ts";
import { app } from "../../../workers/app.ts";
import { recordQueues } from "../queues/facts.ts";
import { publish } from "../world/api.ts";
import { signUp } from "../world/people.ts";
import { Rounds } from "./rounds.ts";

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts the rounds of `handler` in place of the API. */
async function roundsOf(handler: (env: Env, context: ExecutionContext) => Promise<unknown>) {
  vi.spyOn(app, "fetch").mockImplementation(async (_, env, context) => {
    await handler(env, context);
    return new Response();
  });
  return (await new Rounds(env).ask("GET", "/")).rounds;
}

const { DOCUMENTS } = env;
const ONE = "SELECT 1";
const WRITE = "UPDATE people SET name = '' WHERE id = ''";
const replica = (env: Env) => env.DB.withSession("first-unconstrained").prepare(ONE).all();
const primary = (env: Env) => env.DB.prepare(ONE).all();
const kv = (env: Env) => env.DOCUMENTS.get("nothing");
const actor = async (env: Env) => {
  await env.POSTS.getByName(newId<PostId>(0)).snapshot(undefined);
};

it("counts calls that are under way together as one round", async () => {
  const rounds = await roundsOf((env) => Promise.all([kv(env), replica(env), actor(env), replica(env)]));
  expect(rounds).toEqual([["actor", "d1-replica", "kv"]]);
});

it("counts calls that wait for each other as rounds of their own", async () => {
  const rounds = await roundsOf(async (env) => {
    await kv(env);
    await Promise.all([replica(env), primary(env).then(() => actor(env))]);
    await env.FACTS.send({});
  });
  expect(rounds).toEqual([["kv"], ["d1-primary", "d1-replica"], ["actor"], ["queue"]]);
});

it("counts a call as part of the round that is under way, however late it begins", async () => {
  const rounds = await roundsOf(async (env) => {
    const later = async () => {
      for (let turns = 0; turns < 100; turns += 1) await Promise.resolve();
      await caches.default.match("https://nothing.invalid/");
      return kv(env);
    };
    await Promise.all([replica(env), later()]);
  });
  expect(rounds).toEqual([["d1-replica", "kv"]]);
});

it("counts a call after a slow one of the last round as the next round", async () => {
  const rounds = await roundsOf(async (env) => {
    vi.spyOn(DOCUMENTS, "get").mockImplementation(() => scheduler.wait(100) as never);
    await Promise.all([kv(env), replica(env).then(() => primary(env))]);
    await actor(env);
  });
  expect(rounds).toEqual([["d1-replica", "kv"], ["d1-primary"], ["actor"]]);
});

it("tells replicas from the primary by session, bookmark and statement", async () => {
  const bookmark = `00000001-00000000-00000000-${"0".repeat(32)}`;
  const calls: ((env: Env) => Promise<unknown>)[] = [
    (env) => env.DB.withSession().prepare(ONE).first(),
    (env) => env.DB.withSession(bookmark).batch([env.DB.prepare(ONE)]),
    (env) => env.DB.withSession("first-primary").prepare(ONE).raw(),
    (env) => env.DB.withSession(bookmark).prepare(WRITE).run(),
    (env) => {
      const session = env.DB.withSession("first-unconstrained");
      return session.batch([session.prepare(ONE), session.prepare(WRITE).bind()]);
    },
    (env) => env.DB.batch([env.DB.prepare(ONE)]),
  ];
  const rounds = await roundsOf(async (env) => {
    for (const call of calls) await call(env);
  });
  expect(rounds.flat()).toEqual(["d1-replica", "d1-replica", ...Array(4).fill("d1-primary")]);
});

it("does not count what the response does not wait for", async () => {
  let isWritten = false;
  const rounds = await roundsOf(async (env, context) => {
    const put = env.DOCUMENTS.put("rounds", "").then(() => (isWritten = true));
    context.waitUntil(put);
    context.waitUntil(env.DB.prepare(WRITE).run());
    await replica(env);
    context.waitUntil(actor(env));
  });
  expect(rounds).toEqual([["d1-replica"]]);
  expect(isWritten).toBe(true);
});

it("counts a write that the response waits for in the round in which it began", async () => {
  const rounds = await roundsOf(async (env) => {
    await kv(env);
    const written = env.DB.prepare(WRITE).run();
    await replica(env);
    await written;
    await actor(env);
  });
  expect(rounds).toEqual([["kv"], ["d1-primary", "d1-replica"], ["actor"]]);
});

it("counts the requests of the API", async () => {
  const isolate = new Rounds(env);
  const [author, reader] = [await signUp(), await signUp()];
  const post = await publish(author);
  const { response, rounds } = await isolate.ask("PUT", `/v1/posts/${post.id}/like`, { token: reader.token });
  expect(response.status).toBe(200);
  expect(rounds.at(-1)).toEqual(["actor"]);
  expect(rounds.slice(0, -1).flat()).not.toContain("actor");
  expect((await isolate.ask("GET", "/healthz")).rounds).toEqual([]);
});
