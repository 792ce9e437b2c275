import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { SignedIn } from "../../../schema/api/people.ts";
import { newId, type PersonId, randomShard } from "../../../schema/ids.ts";
import { databaseOf, databases, shardOfHandle } from "../../../schema/d1/shards.ts";
import { ask, outcome, randomHandle } from "../../../tests/runtime/people.ts";
import { CLAIM_LASTS, CREATE_WITHIN, claimHandle, createPerson } from "./sign-up.ts";

const password = "correct horse battery staple";
const idMadeAt = (time: number) => newId<PersonId>(randomShard(), time);

async function claimedBy(handle: string, person: PersonId): Promise<void> {
  await databaseOf(env, shardOfHandle(handle))
    .prepare("INSERT INTO handles (handle, person) VALUES (?, ?)")
    .bind(handle, person)
    .run();
}

async function peopleNamed(handle: string): Promise<number> {
  const found = await Promise.all(
    databases(env).map((database) => database.prepare("SELECT 1 FROM people WHERE handle = ?").bind(handle).all()),
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
  const nothing = { bio: "", posts: 0, followers: 0, following: 0, private: false, requests: 0, unread: 0 };
  expect(await me.json()).toEqual({ ...person, ...nothing });
  expect(await outcome(await ask("POST", "/v1/sessions", { body: { handle, password } }))).toBe("201");
});

/** Answers 404 to whoever asks for a person or their posts. */
async function knowsNobody(paths: string[]): Promise<void> {
  for (const path of paths) expect(await outcome(await ask("GET", path)), path).toBe("404 person_not_found");
}

it("finds who has signed up with a handle that was asked for a moment before", async () => {
  const handle = randomHandle();
  const paths = [`/v1/people/${handle}`, `/v1/people/${handle}/posts`];
  await knowsNobody(paths);
  expect(await outcome(await ask("POST", "/v1/people", { body: { handle, password } }))).toBe("201");
  for (const path of paths) expect(await outcome(await ask("GET", path)), path).toBe("200");
});

it.each(["", "/posts"])("finds who has taken a claim over elsewhere: /v1/people/:handle%s", async (rest) => {
  const handle = randomHandle();
  const path = `/v1/people/${handle}${rest}`;
  await claimedBy(handle, idMadeAt(Date.now() - CLAIM_LASTS - 1000));
  await knowsNobody([path]);
  await createPerson(env, { id: await claimHandle(env, handle), handle, name: "Ada" }, "not a hash");
  expect(await outcome(await ask("GET", path))).toBe("200");
});

it("calls who gives no name by the handle, and ignores what nobody may set", async () => {
  const handle = randomHandle();
  const body = { handle, password, id: idMadeAt(Date.now()), followers: 1_000_000, role: "admin" };
  const { person } = await (await ask("POST", "/v1/people", { body })).json<SignedIn>();
  expect(person.name).toBe(handle);
  expect(person.id).not.toBe(body.id);
  expect(await (await ask("GET", `/v1/people/${handle}`)).json()).toMatchObject({ followers: 0 });
});

it("gives a handle to one of those who want it at once", async () => {
  const handle = randomHandle();
  const wanted = Array.from({ length: 10 }, () => ask("POST", "/v1/people", { body: { handle, password } }));
  const outcomes = await Promise.all((await Promise.all(wanted)).map(outcome));
  expect(outcomes.sort()).toEqual(["201", ...Array.from({ length: 9 }, () => "409 handle_taken")]);
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
])("refuses %j", async (wrong) => {
  const body = { handle: randomHandle(), password, ...wrong };
  expect(await outcome(await ask("POST", "/v1/people", { body }))).toBe("422 invalid_request");
});

it("takes over a claim that can no longer get a person", async () => {
  const handle = randomHandle();
  const dead = idMadeAt(Date.now() - CLAIM_LASTS - 1000);
  await claimedBy(handle, dead);
  expect((await ask("GET", `/v1/people/${handle}`)).status).toBe(404);

  const heirs = Array.from({ length: 4 }, () => ask("POST", "/v1/people", { body: { handle, password } }));
  const outcomes = await Promise.all((await Promise.all(heirs)).map(outcome));
  expect(outcomes.sort()).toEqual(["201", "409 handle_taken", "409 handle_taken", "409 handle_taken"]);

  // The first claimant wakes up.
  expect(await createPerson(env, { id: dead, handle, name: handle }, "hash")).toBeUndefined();
  expect(await peopleNamed(handle)).toBe(1);
});

it("leaves a claim alone while its person may still come", async () => {
  const handle = randomHandle();
  await claimedBy(handle, idMadeAt(Date.now() - CREATE_WITHIN));
  expect(await outcome(await ask("POST", "/v1/people", { body: { handle, password } }))).toBe("409 handle_taken");
});

it("never takes a handle from a person who exists, however long ago they came", async () => {
  const handle = randomHandle();
  const id = idMadeAt(Date.now() - CLAIM_LASTS * 1000);
  await claimedBy(handle, id);
  await databaseOf(env, id)
    .prepare("INSERT INTO people (id, handle, name) VALUES (?, ?, 'Ada')")
    .bind(id, handle)
    .run();
  expect(await outcome(await ask("POST", "/v1/people", { body: { handle, password } }))).toBe("409 handle_taken");
});

it("writes nothing of a person who comes too late", async () => {
  const handle = randomHandle();
  const id = await claimHandle(env, handle, Date.now() - CREATE_WITHIN - 1000);
  expect(await createPerson(env, { id, handle, name: handle }, "hash")).toBeUndefined();
  for (const table of ["people", "credentials", "sessions"]) {
    const key = table === "people" ? "id" : "person";
    const row = await databaseOf(env, id).prepare(`SELECT 1 FROM ${table} WHERE ${key} = ?`).bind(id).first();
    expect(row, table).toBeNull();
  }
});

it("does not mistake somebody else's person for its own when ids collide", async () => {
  const [theirs, ours] = [randomHandle(), randomHandle()];
  const id = await claimHandle(env, theirs);
  expect(await createPerson(env, { id, handle: theirs, name: theirs }, "hash")).toBeDefined();
  expect(await createPerson(env, { id, handle: ours, name: ours }, "hash")).toBeUndefined();
  await claimedBy(ours, id);
  expect(await outcome(await ask("GET", `/v1/people/${ours}`))).toBe("404 person_not_found");
});
