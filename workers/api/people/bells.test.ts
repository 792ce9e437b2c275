import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import type { PersonCard, Profile } from "../../../schema/api/people.ts";
import { Effect } from "../../../schema/messages/facts.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { ask, outcome, randomHandle, signUp } from "../../../tests/runtime/people.ts";
import { queueTo } from "../../../tests/runtime/queue.ts";

afterEach(() => {
  vi.useRealTimers();
});

type Someone = Awaited<ReturnType<typeof signUp>>;

/** With a queue that remembers what it was sent and delivers nothing. */
function recorded() {
  const sent: Effect[] = [];
  return { sent, env: { ...env, EFFECTS: queueTo((message) => sent.push(Effect.parse(message))) } };
}
const deaf = recorded().env;

const bell = (method: "PUT" | "DELETE", { token }: Someone, { handle }: PersonCard, bindings: Env = deaf) =>
  ask(method, `/v1/people/${handle}/bell`, { token, env: bindings });
const follow = (method: "PUT" | "DELETE", { token }: Someone, { handle }: PersonCard) =>
  ask(method, `/v1/people/${handle}/follow`, { token, env: deaf });

async function bellSeenBy({ token }: Someone, { handle }: PersonCard): Promise<boolean> {
  return (await (await ask("GET", `/v1/people/${handle}`, { token })).json<Profile>()).bellByMe;
}

const truth = (follower: PersonCard, followee: PersonCard): Promise<unknown> =>
  databaseOf(env, follower.id)
    .prepare("SELECT active, version, bell FROM following WHERE follower = ? AND followee = ?")
    .bind(follower.id, followee.id)
    .first();

it("rings and is silenced, with an effect for each change and none for a repetition", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await follow("PUT", ada, ben.person);
  const { sent, env: bindings } = recorded();
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
    expect(await truth(ada.person, ben.person)).toEqual({ active: 1, version, bell: Number(rings) });
    expect(await bellSeenBy(ada, ben.person)).toBe(rings);
    expect(sent).toHaveLength(effects);
  }
  expect(sent).toMatchObject(sent.map(() => ({ kind: "bell", follower: ada.person.id, followee: ben.person.id })));
  expect(await bellSeenBy(ben, ada.person)).toBe(false);
});

it("rings once for what is asked many times at once", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await follow("PUT", ada, ben.person);
  const { sent, env: bindings } = recorded();
  await Promise.all(Array.from({ length: 10 }, () => bell("PUT", ada, ben.person, bindings)));
  expect(await truth(ada.person, ben.person)).toEqual({ active: 1, version: 2, bell: 1 });
  expect(sent).toHaveLength(1);
});

it("ends with the follow, and does not come back with the next one", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await follow("PUT", ada, ben.person);
  await bell("PUT", ada, ben.person);
  await follow("DELETE", ada, ben.person);
  expect(await truth(ada.person, ben.person)).toEqual({ active: 0, version: 3, bell: 0 });
  expect(await bellSeenBy(ada, ben.person)).toBe(false);
  await follow("PUT", ada, ben.person);
  expect(await truth(ada.person, ben.person)).toEqual({ active: 1, version: 4, bell: 0 });
});

it("refuses a bell for whom one does not follow, for strangers, and for nobody", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  for (const person of [ben.person, ada.person]) {
    expect(await outcome(await bell("PUT", ada, person))).toBe("409 not_following");
    expect(await (await bell("DELETE", ada, person)).json()).toEqual({ bellByMe: false });
  }
  expect(await truth(ada.person, ben.person)).toBeNull();
  for (const method of ["PUT", "DELETE"] as const) {
    expect(await outcome(await bell(method, ada, { ...ben.person, handle: randomHandle() }))).toBe(
      "404 person_not_found",
    );
    expect(await outcome(await ask(method, `/v1/people/${ben.person.handle}/bell`))).toBe("401 not_signed_in");
    expect(await outcome(await ask(method, "/v1/people/%20/bell", { token: ada.token }))).toBe("422 invalid_request");
  }
});

it("knows nothing of a person who has blocked the caller, and does not ring for one whom the caller has blocked", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await follow("PUT", ada, ben.person);
  expect((await ask("PUT", `/v1/people/${ada.person.handle}/block`, { token: ben.token })).status).toBe(200);
  await vi.waitFor(async () => {
    expect(await outcome(await bell("PUT", ada, ben.person))).toBe("404 person_not_found");
  });
  expect(await outcome(await bell("PUT", ben, ada.person))).toBe("409 not_following");
});
