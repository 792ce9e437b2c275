/** Whatever arrives late, in any order, brings nothing of a closed account back. */
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, expect, it, vi } from "vitest";
import { type CommentId, newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { signUp } from "../../tests/runtime/world/people.ts";
import { newPost } from "../../tests/runtime/world/posts.ts";
import {
  actorRowsWith,
  documentsWith,
  objectsWith,
  rowsWith,
  Stage,
  storedFile,
} from "../../tests/runtime/closing/world.ts";
import { fanOut } from "../feeds/fan-out.ts";
import { project } from "../projector/projector.ts";
import { newEffect, saveEffect } from "../storage/effects.ts";
import { closeAccount } from "./close.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

type World = Awaited<ReturnType<typeof newWorld>>;

async function newWorld(stage: Stage) {
  const [gone, fan, idol] = [await signUp(), await signUp(), await signUp()];
  await stage.ask(fan, "PUT", `/v1/people/${gone.person.handle}/follow`);
  await stage.ask(gone, "PUT", `/v1/people/${idol.person.handle}/follow`);
  const own = await stage.publish(gone, `With @${fan.person.handle}`);
  const theirs = await stage.publish(idol, "Low tide");
  await stage.settle();
  await stage.ask(fan, "PUT", `/v1/people/${gone.person.handle}/bell`);
  await stage.ask(gone, "PUT", `/v1/posts/${theirs}/like`);
  await stage.ask(fan, "PUT", `/v1/posts/${theirs}/like`);
  const first = (await stage.comment(fan, theirs, "First")) as CommentId;
  await stage.comment(gone, theirs, "Second", first);
  await stage.comment(gone, own, `Hello @${idol.person.handle}`);
  await stage.settle();
  return { stage, id: gone.person.id, fan: fan.person, idol: idol.person, own, theirs, first, files: [] as string[] };
}

const run = (key: PersonId, sql: string, ...values: unknown[]) =>
  d1Of(env, key)
    .prepare(sql)
    .bind(...values)
    .run();

/** Writes a row with its effect, as a request does that was under way when the account was closed. */
async function withEffect({ stage }: World, key: PersonId, effect: Effect, sql: string, ...values: unknown[]) {
  const { sql: save, params } = saveEffect(effect);
  const database = d1Of(env, key);
  await database.batch([database.prepare(sql).bind(...values), database.prepare(save).bind(...params)]);
  stage.effects.push(effect);
}

const FOLLOW = `INSERT INTO following (follower, followee, active, version) VALUES (?, ?, 1, 1)
  ON CONFLICT DO UPDATE SET active = 1, version = version + 1`;
const BLOCK = `INSERT INTO blocks VALUES (?, ?, 1, 1, 0, 0) ON CONFLICT DO UPDATE SET mine = 1, version = version + 1`;

const follow = (follower: PersonId, followee: PersonId) =>
  newEffect(follower, { kind: "follow", follower, followee } as const);
const block = (person: PersonId, other: PersonId) => newEffect(person, { kind: "block", person, other } as const);

/** What may still arrive, at any time and more than once. */
const EVENTS: Record<string, (world: World) => Promise<unknown>> = {
  like: ({ theirs, id }) => env.POSTS.getByName(theirs).like(id),
  unlike: ({ theirs, id }) => env.POSTS.getByName(theirs).unlike(id),
  comment: ({ theirs, id, fan }) =>
    env.POSTS.getByName(theirs).comment({ author: id, text: "Late", mentions: [fan.id], key: crypto.randomUUID() }),
  reply: ({ theirs, id, first }) => env.POSTS.getByName(theirs).comment({ author: id, text: "Late", replyTo: first }),
  commentLike: ({ theirs, id, first }) => env.POSTS.getByName(theirs).likeComment(id, first, true),
  publish: async ({ stage, id, fan }) => {
    const post = newPost(id);
    stage.posts.add(post.id);
    await env.POSTS.getByName(post.id).publish({ ...post, mentions: [fan.id] });
  },
  factsAgain: ({ stage }) => project(stage.env, stage.delivered.facts),
  effectsAgain: ({ stage }) => stage.deliver(stage.delivered.effects),
  fanOutAgain: async ({ stage }) => {
    for (const message of stage.delivered.fanOuts) await fanOut(stage.env, message);
  },
  followThem: (world) =>
    withEffect(world, world.fan.id, follow(world.fan.id, world.id), FOLLOW, world.fan.id, world.id),
  followNew: (world) =>
    withEffect(world, world.idol.id, follow(world.idol.id, world.id), FOLLOW, world.idol.id, world.id),
  followOthers: (world) => withEffect(world, world.id, follow(world.id, world.fan.id), FOLLOW, world.id, world.fan.id),
  blockThem: (world) => withEffect(world, world.fan.id, block(world.fan.id, world.id), BLOCK, world.fan.id, world.id),
  blockOthers: (world) => withEffect(world, world.id, block(world.id, world.idol.id), BLOCK, world.id, world.idol.id),
  mute: ({ fan, id }) => run(fan.id, "INSERT OR IGNORE INTO mutes VALUES (?, ?)", fan.id, id),
  session: ({ id }) =>
    run(
      id,
      "INSERT INTO sessions (id, person, secret_hash, expires_at) VALUES (?, ?, 'hash', 9e15)",
      newId(shardOf(id)),
      id,
    ),
  upload: async ({ id, files }) => files.push(await storedFile(id)),
  key: ({ id, own }) =>
    run(id, "INSERT INTO idempotency_keys (person, key, post) VALUES (?, ?, ?)", id, crypto.randomUUID(), own),
  notice: ({ fan, id, theirs }) =>
    run(
      fan.id,
      `INSERT INTO notifications (recipient, kind, subject, post, actors, count, excerpt, version, raised, at)
       VALUES (?1, 'like', ?2, ?2, json_array(?3, ?4), 2, 'Late', 1, 1, 1)
       ON CONFLICT DO UPDATE SET actors = excluded.actors`,
      fan.id,
      theirs,
      id,
      "0000000000001",
    ),
  erase: ({ stage }) => stage.deliver(stage.effects.filter(({ kind }) => kind === "close")),
  settle: ({ stage }) => stage.settle(),
};
const event = fc.constantFrom(...Object.keys(EVENTS));

async function expectNothingLeft({ stage, id, theirs, fan, idol, files }: World): Promise<void> {
  const left = await rowsWith([id]);
  expect(left.filter((row) => !/^(handles|closings|closed_people):/.test(row))).toEqual([]);
  expect(await actorRowsWith(stage.posts, [id])).toEqual([]);
  expect(files.length > 0 ? await objectsWith(files) : []).toEqual([]);
  expect(await documentsWith([id])).toEqual([]);
  const [post] = await stats(theirs);
  const standing = await env.POSTS.getByName(theirs).snapshot(undefined);
  // The like and the comment of the fan.
  expect(standing).toMatchObject({ ok: true, standing: { likes: 1, comments: 1 } });
  expect(post).toMatchObject({ likes: 1, comments: 1 });
  for (const person of [fan, idol]) {
    const row = await d1Of(env, person.id)
      .prepare(
        `SELECT followers, following, (SELECT count(*) FROM following WHERE follower = ?1 AND active = 1) AS follows,
           (SELECT count(*) FROM followers WHERE followee = ?1 AND active = 1) AS followed FROM people WHERE id = ?1`,
      )
      .bind(person.id)
      .first();
    expect(row).toEqual({ followers: 0, following: 0, follows: 0, followed: 0 });
  }
}

const stats = async (post: PostId) =>
  (await d1Of(env, post).prepare("SELECT likes, comments FROM post_stats WHERE post = ?").bind(post).all()).results;

it("keeps out what arrives before, while and after the account is erased, in any order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 6 }),
      fc.array(event, { minLength: 4, maxLength: 14 }),
      fc.array(event, { minLength: 1, maxLength: 6 }),
      async (before, during, after) => {
        const world = await newWorld(new Stage(recordQueues()));
        for (const name of before) await EVENTS[name]?.(world);
        expect(await closeAccount(world.stage.env, world.id)).toBe(true);
        for (const name of during) await EVENTS[name]?.(world);
        await world.stage.settleWithCron();
        for (const name of after) await EVENTS[name]?.(world);
        await world.stage.settleWithCron();
        await expectNothingLeft(world);
        vi.restoreAllMocks();
      },
    ),
    { numRuns: 8, endOnFailure: true },
  );
}, 500_000);

it.each(Object.keys(EVENTS))("keeps out a late %s", async (name) => {
  const world = await newWorld(new Stage(recordQueues()));
  await closeAccount(world.stage.env, world.id);
  await world.stage.settleWithCron();
  await EVENTS[name]?.(world);
  await EVENTS[name]?.(world);
  await world.stage.settleWithCron();
  await expectNothingLeft(world);
});
