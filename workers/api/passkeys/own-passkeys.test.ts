import { env } from "cloudflare:workers";
import { afterEach, beforeAll, expect, it, vi } from "vitest";
import { PASSKEYS_MAX } from "../../../schema/api/passkeys.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { intercepted } from "../../../tests/runtime/stores/interleave.ts";
import { Authenticator, FLAGS } from "../../../tests/runtime/passkeys/authenticator.ts";
import {
  addPasskey,
  Browser,
  PASSWORD,
  passkeysOf,
  type Person,
  signUp,
} from "../../../tests/runtime/passkeys/passkeys.ts";
import { ask, HOST, outcome } from "../../../tests/runtime/world/people.ts";
import { CHALLENGE_LASTS } from "./challenges.ts";

let person: Person;
let browser: Browser;
beforeAll(async () => {
  [person, browser] = [await signUp(), new Browser()];
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (ms: number) => vi.useFakeTimers({ now: Date.now() + ms, toFake: ["Date"] });
const signInAgain = async ({ handle }: Person): Promise<string> =>
  (await (await ask("POST", "/v1/sessions", { body: { handle, password: PASSWORD } })).json<{ token: string }>()).token;

it("offers options for a passkey that the authenticator finds by itself, and verifies its person", async () => {
  const response = await browser.ask("POST", "/v1/me/passkeys/options", {
    token: person.token,
    body: { password: PASSWORD },
  });
  const [cookie = ""] = response.headers.getSetCookie();
  expect(cookie.split("; ").slice(1).sort()).toEqual([
    "HttpOnly",
    "Max-Age=300",
    "Path=/",
    "SameSite=Strict",
    "Secure",
  ]);
  expect(cookie).toMatch(/^__Host-passkeys=[\w-]{22};/);
  expect(await response.json()).toMatchObject({
    rp: { id: "localhost", name: "Shutterline" },
    user: { id: btoa(person.person.id).replaceAll("=", ""), name: person.handle },
    challenge: expect.stringMatching(/^[\w-]{100,}$/) as string,
    pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    attestation: "none",
  });
});

it("adds, lists, renames and removes passkeys", async () => {
  const owner = await signUp();
  expect(await passkeysOf(owner.token)).toEqual([]);
  const passkey = await Authenticator.make();
  const credential = await passkey.create(await browser.creation(owner.token), HOST);
  const headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/150.0" };
  const added = await browser.add(owner.token, credential, undefined, { headers });
  expect(added.status).toBe(201);
  const shown = { id: passkey.id, name: "Firefox on Linux", addedAt: expect.any(String) as string };
  expect(await added.json()).toEqual(shown);
  expect(await passkeysOf(owner.token)).toEqual([shown]);
  const row = await d1Of(env, owner.person.id)
    .prepare("SELECT * FROM passkeys WHERE person = ?")
    .bind(owner.person.id)
    .first();
  expect(row).toMatchObject({ id: passkey.id, sign_count: 0, used_at: null });

  const path = `/v1/me/passkeys/${passkey.id}`;
  const rename = (name: string) => ask("PATCH", path, { token: owner.token, body: { name } });
  expect((await rename("  Blue key ")).status).toBe(204);
  expect(await passkeysOf(owner.token)).toEqual([{ ...shown, name: "Blue key" }]);
  for (const bad of ["", "\u200b", "two\nlines", "x".repeat(51)]) {
    expect(await outcome(await rename(bad))).toBe("422 invalid_request");
  }
  const { token } = person;
  expect(await outcome(await ask("PATCH", path, { token, body: { name: "Mine" } }))).toBe("404 passkey_not_found");
  expect(await outcome(await ask("DELETE", path, { token }))).toBe("404 passkey_not_found");
  expect((await ask("DELETE", path, { token: owner.token })).status).toBe(204);
  expect(await outcome(await ask("DELETE", path, { token: owner.token }))).toBe("404 passkey_not_found");
  expect(await passkeysOf(owner.token)).toEqual([]);
});

it("asks for the password before it issues a challenge", async () => {
  const ask = (body: object, token?: string) =>
    browser.ask("POST", "/v1/me/passkeys/options", { ...(token !== undefined && { token }), body });
  expect(await outcome(await ask({ password: "incorrect horse" }, person.token))).toBe("401 wrong_credentials");
  expect(await outcome(await ask({ password: PASSWORD }))).toBe("401 not_signed_in");
  expect(await outcome(await ask({}, person.token))).toBe("422 invalid_request");
});

it("takes each challenge once", async () => {
  const owner = await signUp();
  const [first, second] = [await Authenticator.make(), await Authenticator.make()];
  const options = await browser.creation(owner.token);
  const credential = await first.create(options, HOST);
  expect((await browser.add(owner.token, credential)).status).toBe(201);
  expect(await outcome(await browser.add(owner.token, credential))).toBe("409 passkey_challenge_over");
  expect(await outcome(await browser.add(owner.token, await second.create(options, HOST)))).toBe(
    "409 passkey_challenge_over",
  );
  // Not after its removal either.
  await ask("DELETE", `/v1/me/passkeys/${first.id}`, { token: owner.token });
  expect(await outcome(await browser.add(owner.token, credential))).toBe("409 passkey_challenge_over");
});

it("takes one of two passkeys that answer the same challenge at once", async () => {
  const owner = await signUp();
  const options = await browser.creation(owner.token);
  const made = await Promise.all([Authenticator.make(), Authenticator.make()]);
  const credentials = await Promise.all(made.map((passkey) => passkey.create(options, HOST)));
  const answers = await Promise.all(credentials.map((credential) => browser.add(owner.token, credential)));
  expect((await Promise.all(answers.map(outcome))).sort()).toEqual(["201", "409 passkey_challenge_over"]);
  expect(await passkeysOf(owner.token)).toHaveLength(1);
});

it("rejects a challenge of another browser, person, session or ceremony, an old one and a made-up one", async () => {
  const [owner, passkey] = [await signUp(), await Authenticator.make()];
  const other = new Browser();
  await other.request(); // It has a cookie of its own.
  const options = await browser.creation(owner.token);
  const credential = await passkey.create(options, HOST);
  const over = "409 passkey_challenge_over";
  expect(await outcome(await new Browser().add(owner.token, credential))).toBe(over);
  expect(await outcome(await other.add(owner.token, credential))).toBe(over);
  expect(await outcome(await browser.add(person.token, credential))).toBe(over);
  expect(await outcome(await browser.add(await signInAgain(owner), credential))).toBe(over);
  const { challenge } = await browser.request();
  for (const wrong of [challenge, `${options.challenge.slice(0, -1)}A`, "AAAA", ""]) {
    const answer = await passkey.create(options, HOST, { challenge: wrong });
    expect(await outcome(await browser.add(owner.token, answer)), wrong).toBe(over);
  }
  later(CHALLENGE_LASTS + 1);
  expect(await outcome(await browser.add(owner.token, credential))).toBe(over);
  vi.useRealTimers();
  expect((await browser.add(owner.token, credential)).status).toBe(201); // Nothing of this has used it up.
});

it("rejects another site, nobody verified, another id and malformed bodies", async () => {
  const [owner, passkey] = [await signUp(), await Authenticator.make()];
  const send = async (changes: object) =>
    outcome(await browser.add(owner.token, await passkey.create(await browser.creation(owner.token), HOST, changes)));
  for (const changes of [
    { origin: "https://evil.example" },
    { rpId: "evil.example" },
    { type: "webauthn.get" },
    { flags: FLAGS.present | FLAGS.credential },
    { flags: FLAGS.present | FLAGS.verified },
    { publicKey: Uint8Array.of(0xa0) },
  ]) {
    expect(await send(changes), JSON.stringify(changes)).toBe("422 passkey_not_accepted");
  }
  const good = await passkey.create(await browser.creation(owner.token), HOST);
  expect(await outcome(await browser.add(owner.token, { ...good, id: "AAAA" }))).toBe("422 passkey_not_accepted");
  const { clientDataJSON } = good.response;
  for (const response of [{}, { clientDataJSON }, { clientDataJSON, attestationObject: "not base64url!" }]) {
    const body = { credential: { ...good, response } };
    expect(await outcome(await browser.ask("POST", "/v1/me/passkeys", { token: owner.token, body }))).toBe(
      "422 invalid_request",
    );
  }
  const tooLong = { clientDataJSON, attestationObject: "A".repeat(32_769) };
  expect(await outcome(await browser.add(owner.token, { ...good, response: tooLong }))).toBe("422 invalid_request");
  const huge = { clientDataJSON, attestationObject: "A".repeat(70_000) };
  expect(await outcome(await browser.add(owner.token, { ...good, response: huge }))).toBe("413 too_large");
  expect(await outcome(await browser.add(owner.token, { ...good, id: "A".repeat(1365) }))).toBe("422 invalid_request");
  expect(await passkeysOf(owner.token)).toEqual([]);
});

it("refuses the same passkey twice, and one too many", async () => {
  const owner = await signUp();
  const passkey = await addPasskey(browser, owner);
  const options = await browser.creation(owner.token);
  expect(options.excludeCredentials).toEqual([{ type: "public-key", id: passkey.id }]);
  expect(await outcome(await browser.add(owner.token, await passkey.create(options, HOST)))).toBe("409 passkey_exists");

  const last = await browser.creation(owner.token);
  await d1Of(env, owner.person.id)
    .prepare(
      `INSERT INTO passkeys (person, id, public_key, sign_count, name, added_at)
       SELECT ?, 'many' || value, '', 0, 'Many', 1 FROM json_each(?)`,
    )
    .bind(owner.person.id, JSON.stringify(Array.from({ length: PASSKEYS_MAX - 1 }, (_, index) => index)))
    .run();
  const another = await (await Authenticator.make()).create(last, HOST);
  expect(await outcome(await browser.add(owner.token, another))).toBe("409 too_many_passkeys");
  const body = { password: PASSWORD };
  expect(await outcome(await browser.ask("POST", "/v1/me/passkeys/options", { token: owner.token, body }))).toBe(
    "409 too_many_passkeys",
  );
});

/** Those of the batch that adds a passkey. */
const STATEMENTS = 3;

it("adds nothing in a session that has ended, even if a replica does not know it yet", async () => {
  const owner = await signUp();
  const options = await browser.creation(owner.token);
  const credential = await (await Authenticator.make()).create(options, HOST);
  const [, session] = owner.token.split(".");
  let isOpen = true;
  const between = intercepted(env, (call) => async (...args) => {
    if (isOpen && Array.isArray(args[0]) && args[0].length === STATEMENTS) {
      isOpen = false;
      await d1Of(env, owner.person.id).prepare("DELETE FROM sessions WHERE id = ?").bind(session).run();
    }
    return call(...args);
  });
  const response = await browser.add(owner.token, credential, undefined, { env: between });
  expect([await outcome(response), isOpen]).toEqual(["401 not_signed_in", false]);
});

it("belongs to the host of the request, or to the domain that the operator has chosen", async () => {
  const owner = await signUp();
  const rpIdOf = async (more: object, url?: string) => {
    const response = await browser.ask("POST", url ?? "/v1/sessions/passkey/options", {
      env: { ...env, ...more },
    });
    return response.status === 200 ? (await response.json<{ rpId: string }>()).rpId : outcome(response);
  };
  expect(await rpIdOf({})).toBe("localhost");
  expect(await rpIdOf({ PASSKEY_RP_ID: "localhost" })).toBe("localhost");
  expect(await rpIdOf({ PASSKEY_RP_ID: "photos.example" })).toBe("404 passkeys_not_set_up");

  // An app names itself in another way.
  const app = "android:apk-key-hash:abc";
  const passkey = await Authenticator.make();
  const options = await browser.creation(owner.token);
  const credential = await passkey.create(options, app);
  expect(await outcome(await browser.add(owner.token, credential))).toBe("422 passkey_not_accepted");
  const listed = { ...env, PASSKEY_ORIGINS: ` ${app}  https://other.example` };
  expect((await browser.add(owner.token, credential, undefined, { env: listed })).status).toBe(201);
});
