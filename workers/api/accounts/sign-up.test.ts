import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { SignedIn } from "../../../schema/api/people.ts";
import { newId, type PersonId, randomShard } from "../../../schema/ids.ts";
import { shardOfHandle } from "../../../schema/d1/shards.ts";
import { d1Of, allD1 } from "../../../tests/runtime/stores/d1.ts";
import { ask, outcome, randomHandle } from "../../../tests/runtime/world/people.ts";
import { CLAIM_LASTS, CREATE_WITHIN, claimHandle, createPerson } from "./sign-up.ts";

const password = "correct horse battery staple";
const idMadeAt = (time: number) => newId<PersonId>(randomShard(), time);

async function claimedBy(handle: string, person: PersonId): Promise<void> {
  await d1Of(env, shardOfHandle(handle))
    .prepare("INSERT INTO handles (handle, person) VALUES (?, ?)")
    .bind(handle, person)
    .run();
}

async function peopleNamed(handle: string): Promise<number> {
  const found = await Promise.all(
    allD1(env).map((database) => database.prepare("SELECT 1 FROM people WHERE handle = ?").bind(handle).all()),
  );
  return found.flatMap(({ results }) => results).length;
}

it("signs up and in", async () => {
  const handle = randomHandle();
  const response = await ask("POST", "/v1/people", { body: { handle, password, name: " Ada " } });
  expect(response.status).toBe(201);
  const { person, token } = await response.json<SignedIn>();
  expect(person).toEqual({ id: person.id, handle, name: "Ada" });
  expect(response.headers.get("set-cookie")).toContain(`__Host-session=${token};`);

  const me = await ask("GET", "/v1/me", { token });
  const nothing = {
    bio: "",
    posts: 0,
    followers: 0,
    following: 0,
    private: false,
    requests: 0,
    unread: 0,
    role: "none",
  };
  expect(await me.json()).toEqual({ ...person, ...nothing });
  expect(await outcome(await ask("POST", "/v1/sessions", { body: { handle, password } }))).toBe("201");
});

/** Expects 404 for each path. */
async function expectUnknown(paths: string[]): Promise<void> {
  for (const path of paths) expect(await outcome(await ask("GET", path)), path).toBe("404 person_not_found");
}

it("finds a new person whose handle was looked up a moment before", async () => {
  const handle = randomHandle();
  const paths = [`/v1/people/${handle}`, `/v1/people/${handle}/posts`];
  await expectUnknown(paths);
  expect(await outcome(await ask("POST", "/v1/people", { body: { handle, password } }))).toBe("201");
  for (const path of paths) expect(await outcome(await ask("GET", path)), path).toBe("200");
});

it.each(["", "/posts"])(
  "finds a person who took over a claim in another isolate: /v1/people/:handle%s",
  async (rest) => {
    const handle = randomHandle();
    const path = `/v1/people/${handle}${rest}`;
    await claimedBy(handle, idMadeAt(Date.now() - CLAIM_LASTS - 1000));
    await expectUnknown([path]);
    await createPerson(env, { id: await claimHandle(env, handle), handle, name: "Ada" }, "not a hash");
    expect(await outcome(await ask("GET", path))).toBe("200");
  },
);

it("uses the handle as the default name, and ignores fields that no one may set", async () => {
  const handle = randomHandle();
  const body = { handle, password, id: idMadeAt(Date.now()), followers: 1_000_000, role: "admin" };
  const { person } = await (await ask("POST", "/v1/people", { body })).json<SignedIn>();
  expect(person.name).toBe(handle);
  expect(person.id).not.toBe(body.id);
  expect(await (await ask("GET", `/v1/people/${handle}`)).json()).toMatchObject({ followers: 0 });
});

it("gives a handle to only one of many concurrent sign-ups", async () => {
  const handle = randomHandle();
  const wanted = Array.from({ length: 6 }, () => ask("POST", "/v1/people", { body: { handle, password } }));
  const outcomes = await Promise.all((await Promise.all(wanted)).map(outcome));
  expect(outcomes.sort()).toEqual(["201", ...Array.from({ length: 5 }, () => "409 handle_taken")]);
  expect(await peopleNamed(handle)).toBe(1);
});

it.each([
  { handle: "Ada" },
  { handle: "ad" },
  { handle: "аda" }, // The first letter is Cyrillic.
  { handle: "a".repeat(31) },
  { password: "short" },
  { password: "x".repeat(257) },
  { password: 12_345_678 },
  { name: "x".repeat(51) },
])("rejects %j", async (wrong) => {
  const body = { handle: randomHandle(), password, ...wrong };
  expect(await outcome(await ask("POST", "/v1/people", { body }))).toBe("422 invalid_request");
});

it("takes over an expired claim", async () => {
  const handle = randomHandle();
  const dead = idMadeAt(Date.now() - CLAIM_LASTS - 1000);
  await claimedBy(handle, dead);
  expect((await ask("GET", `/v1/people/${handle}`)).status).toBe(404);

  const heirs = Array.from({ length: 4 }, () => ask("POST", "/v1/people", { body: { handle, password } }));
  const outcomes = await Promise.all((await Promise.all(heirs)).map(outcome));
  expect(outcomes.sort()).toEqual(["201", "409 handle_taken", "409 handle_taken", "409 handle_taken"]);

  // The first claimant resumes too late.
  expect(await createPerson(env, { id: dead, handle, name: handle }, "hash")).toBeUndefined();
  expect(await peopleNamed(handle)).toBe(1);
});

it("leaves a claim alone while its person may still be created", async () => {
  const handle = randomHandle();
  await claimedBy(handle, idMadeAt(Date.now() - CREATE_WITHIN));
  expect(await outcome(await ask("POST", "/v1/people", { body: { handle, password } }))).toBe("409 handle_taken");
});

it("never takes a handle from an existing person, however old", async () => {
  const handle = randomHandle();
  const id = idMadeAt(Date.now() - CLAIM_LASTS * 1000);
  await claimedBy(handle, id);
  await d1Of(env, id).prepare("INSERT INTO people (id, handle, name) VALUES (?, ?, 'Ada')").bind(id, handle).run();
  expect(await outcome(await ask("POST", "/v1/people", { body: { handle, password } }))).toBe("409 handle_taken");
});

it("writes nothing of a person after the deadline", async () => {
  const handle = randomHandle();
  const id = await claimHandle(env, handle, Date.now() - CREATE_WITHIN - 1000);
  expect(await createPerson(env, { id, handle, name: handle }, "hash")).toBeUndefined();
  for (const table of ["people", "credentials", "sessions"]) {
    const key = table === "people" ? "id" : "person";
    const row = await d1Of(env, id).prepare(`SELECT 1 FROM ${table} WHERE ${key} = ?`).bind(id).first();
    expect(row, table).toBeNull();
  }
});

it("does not mistake someone else for the new person when ids collide", async () => {
  const [theirs, ours] = [randomHandle(), randomHandle()];
  const id = await claimHandle(env, theirs);
  expect(await createPerson(env, { id, handle: theirs, name: theirs }, "hash")).toBeDefined();
  expect(await createPerson(env, { id, handle: ours, name: ours }, "hash")).toBeUndefined();
  await claimedBy(ours, id);
  expect(await outcome(await ask("GET", `/v1/people/${ours}`))).toBe("404 person_not_found");
});
