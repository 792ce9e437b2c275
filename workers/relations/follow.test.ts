import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Me, Profile } from "../../schema/api/people.ts";
import { Effect } from "../../schema/messages/effects.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { interleaved } from "../../tests/runtime/stores/interleave.ts";
import { ask, signUp } from "../../tests/runtime/world/people.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { ENTRIES_PER_AUTHOR } from "../feeds/feed-limit.ts";
import { applyFollow } from "./follow.ts";

type FollowEffect = Extract<Effect, { kind: "follow" }>;
type Pair = Awaited<ReturnType<typeof newPair>>;

async function newPair(posts: number) {
  const [ada, ben] = [await signUp(), await signUp()];
  return {
    token: ada.token,
    follower: ada.person.id,
    followee: ben.person,
    posts: await publish(ben.person.id, posts),
  };
}

/** Adds posts, but only the rows that a backfill reads. Returns them newest first. */
async function publish(author: PersonId, count: number): Promise<PostId[]> {
  const newest = Date.now();
  const ids = Array.from({ length: count }, (_, age) => newId<PostId>(shardOf(author), newest - age));
  await d1Of(env, author)
    .prepare("INSERT INTO posts (id, author, caption, media, seq) SELECT value, ?, '', '[]', 1 FROM json_each(?)")
    .bind(author, JSON.stringify(ids))
    .run();
  return ids;
}

/** Follows (PUT) or unfollows (DELETE) over the API. Returns the effects, which the test applies. */
async function change(method: "PUT" | "DELETE", pair: Pair): Promise<FollowEffect[]> {
  const sent: FollowEffect[] = [];
  const EFFECTS = queueTo((message) => {
    const effect = Effect.parse(message);
    if (effect.kind === "follow") sent.push(effect);
  });
  const path = `/v1/people/${pair.followee.handle}/follow`;
  const response = await ask(method, path, { token: pair.token, env: { ...env, EFFECTS } });
  expect(response.status).toBe(200);
  return sent;
}

async function apply(effects: FollowEffect[]): Promise<void> {
  for (const effect of effects) await applyFollow(env, effect);
}

/** Reads everything that a follow leads to. */
async function stateOf({ token, follower, followee }: Pair) {
  const [mine, theirs] = [d1Of(env, follower), d1Of(env, followee.id)];
  const feed = await mine
    .prepare("SELECT post FROM feed WHERE reader = ? AND author = ? ORDER BY post DESC")
    .bind(follower, followee.id)
    .all<{ post: PostId }>();
  const me = await (await ask("GET", "/v1/me", { token })).json<Me>();
  const profile = await (await ask("GET", `/v1/people/${followee.handle}`, { token })).json<Profile>();
  return {
    fact: await mine
      .prepare("SELECT active, version FROM following WHERE follower = ? AND followee = ?")
      .bind(follower, followee.id)
      .first<{ active: number; version: number }>(),
    mirror: await theirs
      .prepare("SELECT active, version FROM followers WHERE followee = ? AND follower_shard = ? AND follower = ?")
      .bind(followee.id, shardOf(follower), follower)
      .first<{ active: number; version: number }>(),
    notification: await theirs
      .prepare(
        `SELECT actors, count, raised > seen AS unread FROM notifications
         WHERE recipient = ? AND kind = 'follow' AND count > 0`,
      )
      .bind(followee.id)
      .first(),
    feed: feed.results.map(({ post }) => post),
    counts: [me.following, profile.followers],
    followedByMe: profile.followedByMe,
    effects: await mine.prepare("SELECT id FROM effects WHERE body ->> 'follower' = ?").bind(follower).first(),
  };
}

/** The expected state once every effect has been applied. */
function settled({ follower, posts }: Pair, fact: { active: number; version: number }) {
  const { active } = fact;
  const notification = { actors: JSON.stringify([follower]), count: 1, unread: 1 };
  return {
    fact,
    mirror: fact,
    notification: active ? notification : null,
    feed: active ? posts : [],
    counts: [active, active],
    followedByMe: active === 1,
    effects: null,
  };
}

it("mirrors a follow, notifies the followee, and fills the feed", async () => {
  const pair = await newPair(3);
  await apply(await change("PUT", pair));
  expect(await stateOf(pair)).toEqual(settled(pair, { active: 1, version: 1 }));
});

it("undoes all of it after an unfollow", async () => {
  const pair = await newPair(3);
  await apply(await change("PUT", pair));
  await apply(await change("DELETE", pair));
  expect(await stateOf(pair)).toEqual(settled(pair, { active: 0, version: 2 }));
  await apply(await change("PUT", pair));
  expect(await stateOf(pair)).toEqual(settled(pair, { active: 1, version: 3 }));
});

it("notifies of a follow once, however often its effect runs", async () => {
  const pair = await newPair(0);
  const effects = await change("PUT", pair);
  await apply(effects);
  const followees = d1Of(env, pair.followee.id);
  await followees.prepare("UPDATE notifications SET seen = raised WHERE recipient = ?").bind(pair.followee.id).run();
  await apply([...effects, ...effects]);
  expect(await stateOf(pair)).toMatchObject({ notification: { unread: 0 }, counts: [1, 1] });
});

it("fills the feed with the newest posts, up to a limit", async () => {
  const pair = await newPair(ENTRIES_PER_AUTHOR + 5);
  await apply(await change("PUT", pair));
  expect((await stateOf(pair)).feed).toEqual(pair.posts.slice(0, ENTRIES_PER_AUTHOR));
});

it("ends up as the fact says, even if effects run repeatedly, concurrently and in any order", async () => {
  const steps = fc.array(fc.constantFrom<("PUT" | "DELETE")[]>("PUT", "DELETE"), { minLength: 2, maxLength: 4 });
  const copies = fc.constantFrom(1, 2);
  await fc.assert(
    fc.asyncProperty(steps, copies, fc.scheduler(), async (steps, copies, scheduler) => {
      const pair = await newPair(2);
      const slow = interleaved(env, scheduler);
      const next = scheduler.scheduleFunction(change);
      const running: Promise<void>[] = [];
      const person = async () => {
        for (const step of steps) {
          for (const effect of await next(step, pair)) {
            for (let copy = 0; copy < copies; copy += 1) running.push(applyFollow(slow, effect));
          }
        }
        await Promise.all(running);
      };
      await scheduler.waitFor(person());

      const state = await stateOf(pair);
      if (state.fact) expect(state).toEqual(settled(pair, state.fact));
      else expect(state).toMatchObject({ mirror: null, notification: null, feed: [], counts: [0, 0], effects: null });
    }),
    { numRuns: 40 },
  );
});
