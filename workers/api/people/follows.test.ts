import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { Me, PersonCard, Profile } from "../../../schema/api/people.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { ask, outcome, randomHandle, signUp } from "../../../tests/runtime/world/people.ts";
import { queueTo } from "../../../tests/runtime/queues/queue.ts";

/** An environment whose queue drops everything, so that effects stay in their table. */
const withoutQueue = { ...env, EFFECTS: queueTo(() => {}) };

const follow = (token: string, { handle }: PersonCard, env?: Env) =>
  ask("PUT", `/v1/people/${handle}/follow`, env ? { token, env } : { token });
const unfollow = (token: string, { handle }: PersonCard, env?: Env) =>
  ask("DELETE", `/v1/people/${handle}/follow`, env ? { token, env } : { token });

async function effectsOf({ id }: PersonCard): Promise<number> {
  const row = await d1Of(env, id)
    .prepare("SELECT count(*) AS effects FROM effects WHERE body ->> 'follower' = ?")
    .bind(id)
    .first<{ effects: number }>();
  return row?.effects ?? Number.NaN;
}

async function followingRow(follower: PersonCard, followee: PersonCard): Promise<unknown> {
  return d1Of(env, follower.id)
    .prepare("SELECT active, version FROM following WHERE follower = ? AND followee = ?")
    .bind(follower.id, followee.id)
    .first();
}

it("follows and unfollows, and updates both counts", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const counts = async () => {
    const mine = await (await ask("GET", "/v1/me", { token: ada.token })).json<Me>();
    const theirs = await (await ask("GET", `/v1/people/${ben.person.handle}`)).json<Profile>();
    return [mine.following, theirs.followers];
  };
  expect(await (await follow(ada.token, ben.person)).json()).toEqual({ followedByMe: true, requestedByMe: false });
  await vi.waitFor(async () => expect(await counts()).toEqual([1, 1]));
  expect(await (await unfollow(ada.token, ben.person)).json()).toEqual({ followedByMe: false, requestedByMe: false });
  await vi.waitFor(async () => expect(await counts()).toEqual([0, 0]));
  await vi.waitFor(async () => expect(await effectsOf(ada.person)).toBe(0));
});

it("saves one effect for each change, and none for a repetition", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const steps = [
    [unfollow, null, 0],
    [follow, { active: 1, version: 1 }, 1],
    [follow, { active: 1, version: 1 }, 1],
    [unfollow, { active: 0, version: 2 }, 2],
    [unfollow, { active: 0, version: 2 }, 2],
    [follow, { active: 1, version: 3 }, 3],
  ] as const;
  for (const [step, row, effects] of steps) {
    expect((await step(ada.token, ben.person, withoutQueue)).status).toBe(200);
    expect(await followingRow(ada.person, ben.person)).toEqual(row);
    expect(await effectsOf(ada.person)).toBe(effects);
  }
});

it("follows once when many requests arrive at once", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await Promise.all(Array.from({ length: 10 }, () => follow(ada.token, ben.person, withoutQueue)));
  expect(await followingRow(ada.person, ben.person)).toEqual({ active: 1, version: 1 });
  expect(await effectsOf(ada.person)).toBe(1);
});

it("follows many people in the same millisecond despite colliding ids", async () => {
  const ada = await signUp();
  const others = await Promise.all(Array.from({ length: 60 }, () => signUp()));
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  const answers = await Promise.all(others.map(({ person }) => follow(ada.token, person, withoutQueue)));
  vi.useRealTimers();
  expect(answers.map(({ status }) => status)).toEqual(others.map(() => 200));
  expect(await effectsOf(ada.person)).toBe(60);
});

it("removes only the unfollowed person's posts from the feed, at once", async () => {
  const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
  const database = d1Of(env, ada.person.id);
  const add = database.prepare("INSERT INTO feed (reader, post, author) VALUES (?, ?, ?)");
  await follow(ada.token, ben.person, withoutQueue);
  await database.batch([ben, cleo].map(({ person }) => add.bind(ada.person.id, person.id, person.id)));
  await unfollow(ada.token, ben.person, withoutQueue);
  const left = await database.prepare("SELECT author FROM feed WHERE reader = ?").bind(ada.person.id).all();
  expect(left.results).toEqual([{ author: cleo.person.id }]);
});

it("rejects following oneself or an unknown person, and anonymous viewers", async () => {
  const ada = await signUp();
  for (const step of [follow, unfollow]) {
    expect(await outcome(await step(ada.token, ada.person))).toBe("409 cannot_follow_yourself");
    expect(await outcome(await step(ada.token, { ...ada.person, handle: randomHandle() }))).toBe(
      "404 person_not_found",
    );
  }
  expect(await outcome(await ask("PUT", `/v1/people/${ada.person.handle}/follow`))).toBe("401 not_signed_in");
});
