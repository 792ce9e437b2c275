import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import type { SignedIn } from "../../../schema/api/people.ts";
import { newId, type SessionId, shardOf } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { ask, HOST, outcome, randomHandle } from "../../../tests/runtime/world/people.ts";
import { SESSION_LASTS } from "./tokens.ts";

const password = "correct horse battery staple";
const handle = randomHandle();
beforeAll(async () => {
  await ask("POST", "/v1/people", { body: { handle, password } });
});

async function signIn(): Promise<SignedIn> {
  return (await ask("POST", "/v1/sessions", { body: { handle, password } })).json<SignedIn>();
}

it("signs in with a new token each time, and stores no secret in plain text", async () => {
  const [first, second] = [await signIn(), await signIn()];
  expect(first.token).toMatch(/^[0-9a-z]{13}\.[0-9a-z]{13}\.[\w-]{43}\.[\w-]{22}$/);
  expect(first.token).not.toBe(second.token);
  expect((await ask("GET", "/v1/me", { token: first.token })).status).toBe(200);

  const [, id, secret = "", mac = ""] = first.token.split(".");
  const row = await d1Of(env, first.person.id).prepare("SELECT * FROM sessions WHERE id = ?").bind(id).first();
  expect(row).not.toBeNull();
  for (const unknown of [secret, mac]) expect(JSON.stringify(row)).not.toContain(unknown);
});

it("sets a cookie for this host only, hidden from scripts", async () => {
  const response = await ask("POST", "/v1/sessions", { body: { handle, password } });
  const { token } = await response.json<SignedIn>();
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split("; "));
  const session = cookies.find(([value]) => value === `__Host-session=${token}`) ?? [];
  expect(session.slice(1).sort()).toEqual(["HttpOnly", "Max-Age=15552000", "Path=/", "SameSite=Lax", "Secure"]);
});

it("rejects the right password followed by a NUL", async () => {
  const body = { handle, password: `${password}\0` };
  expect(await outcome(await ask("POST", "/v1/sessions", { body }))).toBe("422 invalid_request");
});

it("responds the same to a wrong password and an unknown handle", async () => {
  const answers = await Promise.all(
    [handle, randomHandle()].map((handle) =>
      ask("POST", "/v1/sessions", { body: { handle, password: "incorrect horse" } }),
    ),
  );
  const bodies = await Promise.all(answers.map((answer) => answer.json<object>()));
  const [known, unknown] = bodies.map((body) => ({ ...body, requestId: "" }));
  expect(known).toMatchObject({ status: 401, code: "wrong_credentials" });
  expect(unknown).toEqual(known);
  expect(answers.map(({ status }) => status)).toEqual([401, 401]);
  expect(answers.map(({ headers }) => headers.get("set-cookie"))).toEqual([null, null]);
});

it("ends one session at once, and no other", async () => {
  const [ended, other] = [await signIn(), await signIn()];
  const response = await ask("DELETE", "/v1/sessions/current", { token: ended.token });
  expect(response.status).toBe(204);
  expect(response.headers.get("set-cookie")).toContain("__Host-session=; Max-Age=0; Path=/");
  expect(response.headers.get("clear-site-data")).toBe('"cache"');

  expect(await outcome(await ask("GET", "/v1/me", { token: ended.token }))).toBe("401 not_signed_in");
  expect((await ask("GET", "/v1/me", { token: other.token })).status).toBe(200);
  expect(await outcome(await ask("DELETE", "/v1/sessions/current"))).toBe("401 not_signed_in");
});

it.each([
  [{ "sec-fetch-site": "cross-site" }, true],
  [{ "sec-fetch-site": "same-site", origin: HOST }, true],
  [{ origin: "https://evil.example" }, true],
  [{ origin: "null" }, true],
  [{ "sec-fetch-site": "same-origin", origin: HOST }, false],
  [{ origin: HOST }, false],
  [{}, false],
])("rejects sign-in and sign-up from another site: %j", async (headers, refused) => {
  const body = { handle: randomHandle(), password };
  const signedUp = await ask("POST", "/v1/people", { body, headers });
  expect(await outcome(signedUp)).toBe(refused ? "403 cross_site" : "201");
  const signedIn = await ask("POST", "/v1/sessions", { body, headers });
  expect(await outcome(signedIn)).toBe(refused ? "403 cross_site" : "201");
});

it("refuses a right password over the limit, without hashing it", async () => {
  const limited: Env = { ...env, LIMITS: "sign-in-pair=1" };
  const handle = randomHandle();
  const headers = { "cf-connecting-ip": `2001:db8:${newNetwork()}::1` };
  const attempt = async (password: string) =>
    outcome(await ask("POST", "/v1/sessions", { body: { handle, password }, headers, env: limited }));
  expect(await attempt("incorrect horse")).toBe("401 wrong_credentials");
  await ask("POST", "/v1/people", { body: { handle, password }, env: limited });
  const begun = performance.now();
  for (let n = 0; n < 20; n += 1) expect(await attempt(password)).toBe("429 too_many_attempts");
  expect(performance.now() - begun).toBeLessThan(20 * HASH_TAKES);
});

/** In ms, on a quick machine. */
const HASH_TAKES = 100;
const newNetwork = () => Math.floor(Math.random() * 65_536).toString(16);

it("rejects an expired session, and deletes old ones at the next sign-in", async () => {
  const { person, token } = await signIn();
  const database = d1Of(env, person.id);
  const [, id] = token.split(".");
  await database.prepare("UPDATE sessions SET expires_at = ? WHERE id = ?").bind(Date.now(), id).run();
  expect(await outcome(await ask("GET", "/v1/me", { token }))).toBe("401 not_signed_in");

  const over = newId<SessionId>(shardOf(person.id), Date.now() - SESSION_LASTS - 1000);
  await database
    .prepare("INSERT INTO sessions (id, person, secret_hash, expires_at) VALUES (?, ?, 'hash', 0)")
    .bind(over, person.id)
    .run();
  await signIn();
  expect(await database.prepare("SELECT 1 FROM sessions WHERE id = ?").bind(over).first()).toBeNull();
  expect(await database.prepare("SELECT 1 FROM sessions WHERE id = ?").bind(id).first()).toBeNull();
});
