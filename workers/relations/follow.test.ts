import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Me, Profile } from "../../schema/api/people.ts";
import { Effect } from "../../schema/messages/facts.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { interleaved } from "../../tests/runtime/interleave.ts";
import { ask, signUp } from "../../tests/runtime/people.ts";
import { queueTo } from "../../tests/runtime/queue.ts";
import { FEED_MAX } from "../feeds/feed-bound.ts";
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

/** Only the rows that a backfill reads. Gives back the posts, newest first. */
async function publish(author: PersonId, count: number): Promise<PostId[]> {
  const newest = Date.now();
  const ids = Array.from({ length: count }, (_, age) => newId<PostId>(shardOf(author), newest - age));
  await databaseOf(env, author)
    .prepare("INSERT INTO posts (id, author, caption, media, seq) SELECT value, ?, '', '[]', 1 FROM json_each(?)")
    .bind(author, JSON.stringify(ids))
    .run();
  return ids;
}

/** Follows (PUT) or unfollows (DELETE). Gives back the effect, which nobody else applies. */
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

/** Everything that a follow leads to, in one value. */
async function stateOf({ token, follower, followee }: Pair) {
  const [mine, theirs] = [databaseOf(env, follower), databaseOf(env, followee.id)];
  const feed = await mine
    .prepare("SELECT post FROM feed WHERE reader = ? AND author = ? ORDER BY post DESC")
    .bind(follower, followee.id)
    .all<{ post: PostId }>();
  const me = await (await ask("GET", "/v1/me", { token })).json<Me>();
  const profile = await (await ask("GET", `/v1/people/${followee.handle}`, { token })).json<Profile>();
  return {
    truth: await mine
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

/** What all of it must be once every effect has been applied. */
function settled({ follower, posts }: Pair, truth: { active: number; version: number }) {
  const { active } = truth;
  const told = { actors: JSON.stringify([follower]), count: 1, unread: 1 };
  return {
    truth,
    mirror: truth,
    notification: active ? told : null,
    feed: active ? posts : [],
    counts: [active, active],
    followedByMe: active === 1,
    effects: null,
  };
}

it("mirrors a follow, tells the followee, and fills the feed", async () => {
  const pair = await newPair(3);
  await apply(await change("PUT", pair));
  expect(await stateOf(pair)).toEqual(settled(pair, { active: 1, version: 1 }));
});

it("takes all of it back", async () => {
  const pair = await newPair(3);
  await apply(await change("PUT", pair));
  await apply(await change("DELETE", pair));
  expect(await stateOf(pair)).toEqual(settled(pair, { active: 0, version: 2 }));
  await apply(await change("PUT", pair));
  expect(await stateOf(pair)).toEqual(settled(pair, { active: 1, version: 3 }));
});

it("tells of a follow once, however often its effect comes", async () => {
  const pair = await newPair(0);
  const effects = await change("PUT", pair);
  await apply(effects);
  const followees = databaseOf(env, pair.followee.id);
  await followees.prepare("UPDATE notifications SET seen = raised WHERE recipient = ?").bind(pair.followee.id).run();
  await apply([...effects, ...effects]);
  expect(await stateOf(pair)).toMatchObject({ notification: { unread: 0 }, counts: [1, 1] });
});

it("fills the feed with the newest posts, up to a limit", async () => {
  const pair = await newPair(FEED_MAX + 5);
  await apply(await change("PUT", pair));
  expect((await stateOf(pair)).feed).toEqual(pair.posts.slice(0, FEED_MAX));
});

it("ends where the truth is, in whatever order the effects run, repeated and at the same time", async () => {
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
      if (state.truth) expect(state).toEqual(settled(pair, state.truth));
      else expect(state).toMatchObject({ mirror: null, notification: null, feed: [], counts: [0, 0], effects: null });
    }),
    { numRuns: 40 },
  );
});
