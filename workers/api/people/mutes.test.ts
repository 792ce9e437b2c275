import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { PersonCard, Profile } from "../../../schema/api/people.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import type { Someone } from "../../../tests/runtime/world/api.ts";
import { ask, outcome, randomHandle, signUp } from "../../../tests/runtime/world/people.ts";
import { MUTES_MAX } from "./mutes.ts";

const mute = (by: Someone, { person }: Someone) => ask("PUT", `/v1/people/${person.handle}/mute`, { token: by.token });
const unmute = (by: Someone, { person }: Someone) =>
  ask("DELETE", `/v1/people/${person.handle}/mute`, { token: by.token });

it("mutes and unmutes, visible only to the person who did it, and changes nothing when repeated", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const seen = async (by: Someone, whom: Someone) =>
    (await (await ask("GET", `/v1/people/${whom.person.handle}`, { token: by.token })).json<Profile>()).mutedByMe;
  for (let times = 0; times < 2; times += 1) {
    expect(await (await mute(ada, ben)).json()).toEqual({ mutedByMe: true });
    expect([await seen(ada, ben), await seen(ben, ada)]).toEqual([true, false]);
  }
  for (let times = 0; times < 2; times += 1) {
    expect(await (await unmute(ada, ben)).json()).toEqual({ mutedByMe: false });
    expect(await seen(ada, ben)).toBe(false);
  }
});

it("rejects muting oneself, an unknown person or one who has blocked the viewer, and anonymous viewers", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await ask("PUT", `/v1/people/${ada.person.handle}/block`, { token: ben.token });
  for (const step of [mute, unmute]) {
    expect(await outcome(await step(ada, ada))).toBe("409 cannot_mute_yourself");
    expect(await outcome(await step(ada, ben))).toBe("404 person_not_found");
    const unknown = { ...ada, person: { ...ada.person, handle: randomHandle() } };
    expect(await outcome(await step(ada, unknown))).toBe("404 person_not_found");
  }
  expect(await outcome(await ask("PUT", `/v1/people/${ada.person.handle}/mute`))).toBe("401 not_signed_in");
  expect(await outcome(await ask("GET", "/v1/me/mutes"))).toBe("401 not_signed_in");
});

it("lists muted people page by page", async () => {
  const ada = await signUp();
  const others = await Promise.all(Array.from({ length: 5 }, () => signUp()));
  for (const other of others) await mute(ada, other);
  const ids: string[] = [];
  for (let cursor = ""; ;) {
    const response = await ask("GET", `/v1/me/mutes?limit=2${cursor}`, { token: ada.token });
    const page = await response.json<{ items: PersonCard[]; next?: string }>();
    ids.push(...page.items.map(({ id }) => id));
    if (page.next === undefined) break;
    cursor = `&cursor=${page.next}`;
  }
  const expected = others.map(({ person }) => person.id as string).sort();
  expect(ids).toEqual(expected.reverse());
});

it("has a limit, at which an existing mute can be repeated", async () => {
  const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
  await mute(ada, ben);
  await d1Of(env, ada.person.id)
    .prepare("INSERT INTO mutes (person, other) SELECT ?, value FROM json_each(?)")
    .bind(ada.person.id, JSON.stringify(Array.from({ length: MUTES_MAX - 1 }, (_, index) => `other ${index}`)))
    .run();
  expect(await outcome(await mute(ada, cleo))).toBe("409 too_many_mutes");
  expect((await mute(ada, ben)).status).toBe(200);
  await unmute(ada, ben);
  expect((await mute(ada, cleo)).status).toBe(200);
});
