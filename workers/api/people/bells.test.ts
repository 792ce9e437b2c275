import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import type { PersonCard, Profile } from "../../../schema/api/people.ts";
import { Effect } from "../../../schema/messages/effects.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { ask, outcome, randomHandle, signUp } from "../../../tests/runtime/world/people.ts";
import { queueTo } from "../../../tests/runtime/queues/queue.ts";

afterEach(() => {
  vi.useRealTimers();
});

type Someone = Awaited<ReturnType<typeof signUp>>;

/** An environment whose queue records messages and delivers nothing. */
function recordingEnv() {
  const sent: Effect[] = [];
  return { sent, env: { ...env, EFFECTS: queueTo((message) => sent.push(Effect.parse(message))) } };
}
const withoutQueue = recordingEnv().env;

const bell = (method: "PUT" | "DELETE", { token }: Someone, { handle }: PersonCard, bindings: Env = withoutQueue) =>
  ask(method, `/v1/people/${handle}/bell`, { token, env: bindings });
const follow = (method: "PUT" | "DELETE", { token }: Someone, { handle }: PersonCard) =>
  ask(method, `/v1/people/${handle}/follow`, { token, env: withoutQueue });

async function bellSeenBy({ token }: Someone, { handle }: PersonCard): Promise<boolean> {
  return (await (await ask("GET", `/v1/people/${handle}`, { token })).json<Profile>()).bellByMe;
}

const followingRow = (follower: PersonCard, followee: PersonCard): Promise<unknown> =>
  d1Of(env, follower.id)
    .prepare("SELECT active, version, bell FROM following WHERE follower = ? AND followee = ?")
    .bind(follower.id, followee.id)
    .first();

it("turns on and off, with one effect for each change and none for a repetition", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await follow("PUT", ada, ben.person);
  const { sent, env: bindings } = recordingEnv();
  const steps = [
    ["DELETE", false, 1, 0],
    ["PUT", true, 2, 1],
    ["PUT", true, 2, 1],
    ["DELETE", false, 3, 2],
    ["DELETE", false, 3, 2],
    ["PUT", true, 4, 3],
  ] as const;
  for (const [method, rings, version, effects] of steps) {
    const answer = await bell(method, ada, ben.person, bindings);
    expect([answer.status, await answer.json()]).toEqual([200, { bellByMe: rings }]);
    expect(await followingRow(ada.person, ben.person)).toEqual({ active: 1, version, bell: Number(rings) });
    expect(await bellSeenBy(ada, ben.person)).toBe(rings);
    expect(sent).toHaveLength(effects);
  }
  expect(sent).toMatchObject(sent.map(() => ({ kind: "bell", follower: ada.person.id, followee: ben.person.id })));
  expect(await bellSeenBy(ben, ada.person)).toBe(false);
});

it("turns on once when many requests arrive at once", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await follow("PUT", ada, ben.person);
  const { sent, env: bindings } = recordingEnv();
  await Promise.all(Array.from({ length: 10 }, () => bell("PUT", ada, ben.person, bindings)));
  expect(await followingRow(ada.person, ben.person)).toEqual({ active: 1, version: 2, bell: 1 });
  expect(sent).toHaveLength(1);
});

it("ends with the follow, and does not return with the next follow", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await follow("PUT", ada, ben.person);
  await bell("PUT", ada, ben.person);
  await follow("DELETE", ada, ben.person);
  expect(await followingRow(ada.person, ben.person)).toEqual({ active: 0, version: 3, bell: 0 });
  expect(await bellSeenBy(ada, ben.person)).toBe(false);
  await follow("PUT", ada, ben.person);
  expect(await followingRow(ada.person, ben.person)).toEqual({ active: 1, version: 4, bell: 0 });
});

it("rejects a bell for a person one does not follow, for an unknown person, and from an anonymous viewer", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  for (const person of [ben.person, ada.person]) {
    expect(await outcome(await bell("PUT", ada, person))).toBe("409 not_following");
    expect(await (await bell("DELETE", ada, person)).json()).toEqual({ bellByMe: false });
  }
  expect(await followingRow(ada.person, ben.person)).toBeNull();
  for (const method of ["PUT", "DELETE"] as const) {
    expect(await outcome(await bell(method, ada, { ...ben.person, handle: randomHandle() }))).toBe(
      "404 person_not_found",
    );
    expect(await outcome(await ask(method, `/v1/people/${ben.person.handle}/bell`))).toBe("401 not_signed_in");
    expect(await outcome(await ask(method, "/v1/people/%20/bell", { token: ada.token }))).toBe("422 invalid_request");
  }
});

it("hides a person who has blocked the viewer, and rejects a bell for a person the viewer has blocked", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await follow("PUT", ada, ben.person);
  expect((await ask("PUT", `/v1/people/${ada.person.handle}/block`, { token: ben.token })).status).toBe(200);
  await vi.waitFor(async () => {
    expect(await outcome(await bell("PUT", ada, ben.person))).toBe("404 person_not_found");
  });
  expect(await outcome(await bell("PUT", ben, ada.person))).toBe("409 not_following");
});
