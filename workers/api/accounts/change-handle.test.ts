import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import type { Me, PersonCard, Profile, SignedIn } from "../../../schema/api/people.ts";
import { shardOfHandle } from "../../../schema/d1/shards.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { publish } from "../../../tests/runtime/world/api.ts";
import { ask, outcome, randomHandle, signUp } from "../../../tests/runtime/world/people.ts";
import { handles, personDocuments } from "../../reads/documents.ts";
import { mentionsIn } from "../posts/mentions.ts";
import { Reader } from "../../storage/reader.ts";
import { FORMER_HANDLE_LASTS, releaseHandles } from "./change-handle.ts";
import { claimHandle, createPerson } from "./sign-up.ts";

afterEach(() => {
  vi.useRealTimers();
});

const DAY = 86_400_000;
const password = "correct horse battery";
const later = (ms: number) => vi.useFakeTimers({ now: Date.now() + ms, toFake: ["Date"] });
const rename = (token: string, handle: string) => ask("PATCH", "/v1/me", { token, body: { handle } });
const join = async (handle: string) => outcome(await ask("POST", "/v1/people", { body: { handle, password } }));
const profileOf = async (handle: string) => (await ask("GET", `/v1/people/${handle}`)).json<Profile>();
const claimOn = (handle: string) =>
  d1Of(env, shardOfHandle(handle)).prepare("SELECT person, until FROM handles WHERE handle = ?").bind(handle).first();

it("changes the handle, and lets the former one lead to the person on every path", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const { id } = await publish(ada);
  const [former, handle] = [ada.person.handle, randomHandle()];
  expect(await (await rename(ada.token, handle)).json<Me>()).toMatchObject({ handle });
  for (const name of [former, handle]) {
    expect(await profileOf(name)).toMatchObject({ id: ada.person.id, handle });
    const { items } = await (await ask("GET", `/v1/people/${name}/posts`)).json<{ items: { id: string }[] }>();
    expect(items.map((post) => post.id)).toEqual([id]);
  }
  expect(await outcome(await ask("PUT", `/v1/people/${former}/follow`, { token: ben.token }))).toBe("200");
  const { items } = await (
    await ask("GET", `/v1/people/${ben.person.handle}/following`)
  ).json<{ items: PersonCard[] }>();
  expect(items).toMatchObject([{ id: ada.person.id, handle }]);
  const reader = new Reader(env, { waitUntil: () => undefined });
  expect(await mentionsIn(reader, `@${former} and @${handle}`)).toEqual([ada.person.id]);
});

it("keeps the former handle for its owner for 30 days, then gives it to the first who asks", async () => {
  const { person, token } = await signUp();
  const handle = randomHandle();
  expect((await rename(token, handle)).status).toBe(200);
  expect([await join(person.handle), await join(handle)]).toEqual(["409 handle_taken", "409 handle_taken"]);
  later(FORMER_HANDLE_LASTS - DAY);
  expect(await join(person.handle)).toBe("409 handle_taken");
  expect(await profileOf(person.handle)).toMatchObject({ handle });
  later(2 * DAY);
  expect(await join(person.handle)).toBe("201");
  expect((await profileOf(person.handle)).id).not.toBe(person.id);
  expect((await profileOf(handle)).id).toBe(person.id);
});

it("lets the owner take a former handle back", async () => {
  const { person, token } = await signUp();
  const handle = randomHandle();
  await rename(token, handle);
  later(DAY + 1000);
  expect((await rename(token, person.handle)).status).toBe(200);
  expect(await profileOf(handle)).toMatchObject({ id: person.id, handle: person.handle });
  expect(await join(handle)).toBe("409 handle_taken");
});

it("allows one change a day, however many come at once", async () => {
  const { token } = await signUp();
  const wanted = Array.from({ length: 5 }, () => rename(token, randomHandle()));
  const outcomes = await Promise.all((await Promise.all(wanted)).map(outcome));
  expect(outcomes.toSorted()).toEqual(["200", ...Array.from({ length: 4 }, () => "409 handle_changed_lately")]);
  expect(await outcome(await rename(token, randomHandle()))).toBe("409 handle_changed_lately");
  later(DAY + 1000);
  expect(await outcome(await rename(token, randomHandle()))).toBe("200");
});

it("refuses handles that are taken, reserved or look like another one, and changes nothing", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const tail = randomHandle().slice(2, 12);
  expect(await join(`molly_${tail}`)).toBe("201");
  expect(await outcome(await rename(ada.token, ben.person.handle))).toBe("409 handle_taken");
  expect(await outcome(await rename(ada.token, `mo1ly_${tail}`))).toBe("409 handle_taken");
  expect(await outcome(await rename(ada.token, "adm1n"))).toBe("409 handle_reserved"); // As "ADMlN".
  expect(await outcome(await rename(ben.token, "null"))).toBe("409 handle_reserved");
  expect(await outcome(await rename(ben.token, "Ben"))).toBe("422 invalid_request");
  expect(await profileOf(ben.person.handle)).toMatchObject(ben.person);
});

it("gives a handle to one of a new person and one who changes theirs", async () => {
  for (let round = 0; round < 5; round += 1) {
    const { token } = await signUp();
    const handle = randomHandle();
    const outcomes = await Promise.all([rename(token, handle).then(outcome), join(handle)]);
    expect(outcomes.filter((one) => one.startsWith("2"))).toHaveLength(1);
    expect(await profileOf(handle)).toMatchObject({ handle });
  }
});

it("gives a claimed handle to nobody else while the change is under way", async () => {
  const { person } = await signUp();
  const handle = randomHandle();
  // As the first step leaves it.
  await d1Of(env, shardOfHandle(handle))
    .prepare("INSERT INTO handles (handle, person, until) VALUES (?, ?, ?)")
    .bind(handle, person.id, Date.now() + 3_600_000)
    .run();
  expect(await join(handle)).toBe("409 handle_taken");
  later(3_601_000);
  expect(await join(handle)).toBe("201"); // The change never came.
});

it("finds a person by the new handle while caches and replicas have the former one", async () => {
  const { person, token } = await signUp();
  const handle = randomHandle();
  await rename(token, handle);
  personDocuments.learn(person.id, person);
  handles.drop(handle);
  expect((await ask("GET", `/v1/people/${handle}/followers`)).status).toBe(200);
  personDocuments.drop(person.id);
});

it("releases claims whose time is over, but none that its person has", async () => {
  const { person, token } = await signUp();
  const handle = randomHandle();
  await rename(token, handle);
  expect(await claimOn(person.handle)).toMatchObject({ person: person.id });
  await releaseHandles(env, Date.now() + 2 * 3_600_000);
  expect(await claimOn(handle)).toEqual({ person: person.id, until: null });
  expect(await claimOn(person.handle)).not.toBeNull();
  await releaseHandles(env, Date.now() + FORMER_HANDLE_LASTS + DAY);
  expect(await claimOn(person.handle)).toBeNull();
  expect(await claimOn(handle)).toEqual({ person: person.id, until: null });
});

it("does not sign in or recover by a former handle", async () => {
  const handle = randomHandle();
  const { token } = await (await ask("POST", "/v1/people", { body: { handle, password } })).json<SignedIn>();
  const made = await ask("POST", "/v1/me/recovery-codes", { token, body: { password } });
  const { codes } = await made.json<{ codes: string[] }>();
  const next = randomHandle();
  await rename(token, next);
  const recover = (handle: string) =>
    ask("POST", "/v1/recovery", { body: { handle, code: codes[0], password: "a paper clip and a lamp" } });
  expect(await outcome(await ask("POST", "/v1/sessions", { body: { handle, password } }))).toBe(
    "401 wrong_credentials",
  );
  expect(await outcome(await recover(handle))).toBe("401 wrong_credentials");
  expect(await outcome(await ask("POST", "/v1/sessions", { body: { handle: next, password } }))).toBe("201");
  expect(await outcome(await recover(next))).toBe("201");
});

it("still takes over an abandoned claim of a sign-up", async () => {
  const handle = randomHandle();
  const dead = await claimHandle(env, handle, Date.now() - 70_000);
  expect(await join(handle)).toBe("201");
  expect(await createPerson(env, { id: dead, handle, name: handle }, "hash")).toBeUndefined();
});
