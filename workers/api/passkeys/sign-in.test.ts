import { env } from "cloudflare:workers";
import { beforeAll, expect, it, vi } from "vitest";
import type { SignedIn } from "../../../schema/api/people.ts";
import { NOBODY, type PersonId, shardOf } from "../../../schema/ids.ts";
import { FOREVER } from "../../../schema/moderation.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { d1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { type Algorithm, Authenticator, encode, FLAGS } from "../../../tests/runtime/passkeys/authenticator.ts";
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
let passkey: Authenticator;
beforeAll(async () => {
  [person, browser] = [await signUp(), new Browser()];
  passkey = await addPasskey(browser, person);
});

const run = (id: PersonId, sql: string, ...values: unknown[]) =>
  d1Of(env, id)
    .prepare(sql)
    .bind(...values)
    .run();
const statusOf = async (token: string) => (await ask("GET", "/v1/me", { token })).status;
const WRONG = "401 wrong_passkey";
const OVER = "409 passkey_challenge_over";
/** What each isolate reads every few seconds. */
const OF_SHARDS = /"shard_moves"/;
const NOT_ACCEPTED = "422 passkey_not_accepted";

it.each<Algorithm>(["ES256", "EdDSA", "RS256"])("signs in with a passkey of %s", async (algorithm) => {
  const owner = await signUp();
  const own = await addPasskey(browser, owner, await Authenticator.make(algorithm));
  const response = await browser.signIn(own);
  expect(response.status).toBe(201);
  const { token, person: card } = await response.json<SignedIn>();
  expect(card).toEqual(owner.person);
  expect(await statusOf(token)).toBe(200);
  expect(response.headers.getSetCookie().join()).toContain(`__Host-session=${token}`);
  const [shown] = await passkeysOf(token);
  expect(new Date(shown?.usedAt ?? 0).getTime()).toBeGreaterThan(Date.now() - 60_000);
  expect(await statusOf(owner.token)).toBe(200); // Other sessions stay.
});

it("begins the session as a password does: ends that of the browser, and reports a new device once", async () => {
  const owner = await signUp();
  const own = await addPasskey(browser, owner);
  const elsewhere = new Browser();
  const notified = async () =>
    (
      await d1Of(env, owner.person.id)
        .prepare("SELECT subject FROM notifications WHERE recipient = ? AND kind = 'new_device'")
        .bind(owner.person.id)
        .all()
    ).results.length;
  const first = await (await elsewhere.signIn(own)).json<SignedIn>();
  expect(await notified()).toBe(1);
  const options = await elsewhere.request();
  const cookies = { cookie: `__Host-session=${first.token}; ${elsewhere.cookie}`, "sec-fetch-site": "same-origin" };
  const second = await elsewhere.send(await own.get(options, HOST), { headers: cookies });
  expect(second.status).toBe(201);
  expect(await notified()).toBe(1); // The browser is known now.
  expect([await statusOf(first.token), await statusOf((await second.json<SignedIn>()).token)]).toEqual([401, 200]);
});

it("takes each challenge once, in the order of their issue", async () => {
  const [earlier, later] = [await browser.request(), await browser.request()];
  const answers = [await passkey.get(earlier, HOST), await passkey.get(later, HOST)] as const;
  expect((await browser.send(answers[1])).status).toBe(201);
  expect(await outcome(await browser.send(answers[1]))).toBe(OVER);
  expect(await outcome(await browser.send(answers[0]))).toBe(OVER);
  expect((await browser.signIn(passkey)).status).toBe(201);

  const answer = await passkey.get(await browser.request(), HOST);
  const both = await Promise.all([browser.send(answer), browser.send(answer)]);
  expect((await Promise.all(both.map(outcome))).sort()).toEqual(["201", OVER]);
});

it("rejects a challenge of another browser or ceremony, an old one and a made-up one", async () => {
  const answer = await passkey.get(await browser.request(), HOST);
  const other = new Browser();
  expect(await outcome(await other.send(answer))).toBe(OVER);
  await other.request();
  expect(await outcome(await other.send(answer))).toBe(OVER);
  const { challenge } = await browser.creation(person.token);
  for (const wrong of [challenge, "AAAA", "", encode(new TextEncoder().encode("sign-in.zzzzzzzz.x.y.z"))]) {
    const options = await browser.request();
    expect(await outcome(await browser.send(await passkey.get(options, HOST, { challenge: wrong })))).toBe(OVER);
  }
  vi.useFakeTimers({ now: Date.now() + CHALLENGE_LASTS + 1, toFake: ["Date"] });
  expect(await outcome(await browser.send(answer))).toBe(OVER);
  vi.useRealTimers();
  expect((await browser.send(answer)).status).toBe(201); // Nothing of this has used it up.
});

it.each([
  ["another site", { origin: "https://evil.example" }],
  ["another port", { origin: "http://localhost:1" }],
  ["another RP ID", { rpId: "evil.example" }],
  ["another ceremony", { type: "webauthn.create" }],
  ["a person who was not verified", { flags: FLAGS.present }],
  ["nobody present", { flags: FLAGS.verified }],
  ["data that is too long", { extra: Uint8Array.of(0) }],
])("rejects %s", async (_, changes) => {
  expect(await outcome(await browser.signIn(passkey, changes))).toBe(NOT_ACCEPTED);
});

it("says and costs the same for an unknown passkey, an unknown person and a wrong signature", async () => {
  const [stranger, other] = [await Authenticator.make(), await signUp()];
  await stranger.create(await browser.creation(person.token), HOST); // It knows the person, but nobody knows it.
  const othersHandle = btoa(other.person.id).replaceAll("=", "");
  const forged = { signature: (bytes: Uint8Array) => bytes.with(bytes.length - 1, (bytes.at(-1) ?? 0) ^ 1) };
  const tries = [
    () => browser.signIn(passkey, forged),
    () => browser.signIn(passkey, { signature: () => Uint8Array.of(1, 2, 3) }),
    () => browser.signIn(stranger),
    () => browser.signIn(passkey, { userHandle: othersHandle }),
    () => browser.signIn(passkey, { userHandle: btoa(NOBODY).replaceAll("=", "") }),
    () => browser.signIn(passkey, { userHandle: "AAAA" }),
  ];
  const verify = vi.spyOn(crypto.subtle, "verify");
  const found = [];
  for (const attempt of tries) {
    verify.mockClear();
    const responses: Response[] = [];
    const { queries } = await d1Costs(async () => void responses.push(await attempt()));
    const [response] = responses;
    const { requestId: _, ...problem } = (await response?.json<{ requestId: string }>()) ?? { requestId: "" };
    const headers = [...(response?.headers.keys() ?? [])];
    found.push({
      problem,
      headers,
      queries: queries.filter((sql) => !OF_SHARDS.test(sql)),
      verified: verify.mock.calls.length,
    });
  }
  verify.mockRestore();
  const [first, malformed, ...others] = found;
  expect(first).toMatchObject({ problem: { status: 401, code: "wrong_passkey" }, verified: 2 });
  expect(first?.queries).toHaveLength(1);
  for (const each of others) expect(each).toEqual(first);
  expect({ ...malformed, verified: 2 }).toEqual(first); // No key can verify it.
  expect((await browser.signIn(passkey)).status).toBe(201);
});

it("keeps two people with the same credential apart", async () => {
  const [mine, theirs] = [await signUp(), await signUp()];
  const own = await addPasskey(browser, mine);
  const copy = await addPasskey(browser, theirs, await Authenticator.make("ES256", own.id));
  const opened = async (by: Authenticator) => (await (await browser.signIn(by)).json<SignedIn>()).person.id;
  expect([await opened(own), await opened(copy)]).toEqual([mine.person.id, theirs.person.id]);
  const handleOf = ({ person }: Person) => btoa(person.id).replaceAll("=", "");
  expect(await outcome(await browser.signIn(copy, { userHandle: handleOf(mine) }))).toBe(WRONG);
  expect(await outcome(await browser.signIn(own, { userHandle: handleOf(theirs) }))).toBe(WRONG);
});

it("refuses a counter that stays or goes back, and takes the next one that is higher", async () => {
  const owner = await signUp();
  const own = await addPasskey(browser, owner);
  const signIn = async (counter: number) => outcome(await browser.signIn(own, { counter }));
  expect([await signIn(0), await signIn(0), await signIn(5)]).toEqual(["201", "201", "201"]);
  const copied = "401 passkey_copied";
  expect([await signIn(5), await signIn(4), await signIn(0), await signIn(6)]).toEqual([copied, copied, copied, "201"]);
  // Without the key, nobody learns about the counter.
  const signature = () => Uint8Array.of(0);
  expect(await outcome(await browser.signIn(own, { counter: 1, signature }))).toBe(WRONG);
});

it("refuses a removed passkey, and those of a closed account, and not those of a suspended person", async () => {
  const owner = await signUp();
  const [first, second] = [await addPasskey(browser, owner), await addPasskey(browser, owner)];
  await ask("DELETE", `/v1/me/passkeys/${first.id}`, { token: owner.token });
  expect(await outcome(await browser.signIn(first))).toBe(WRONG);

  // As with a password: they may sign in to read, and to answer the decision.
  for (const until of [Date.now() + 86_400_000, FOREVER]) {
    await run(owner.person.id, "UPDATE people SET suspended_until = ? WHERE id = ?", until, owner.person.id);
    const response = await browser.signIn(second);
    expect(response.status).toBe(201);
    const { token } = await response.json<SignedIn>();
    const post = await ask("POST", "/v1/posts", { token, body: { caption: "Here", media: [{ id: "0123456789abc" }] } });
    expect(await outcome(post)).toBe("403 suspended");
    expect((await passkeysOf(token)).map(({ id }) => id)).toEqual([second.id]);
  }
  await run(owner.person.id, "UPDATE people SET suspended_until = 0 WHERE id = ?", owner.person.id);
  const closed = await ask("DELETE", "/v1/me", { token: owner.token, body: { password: PASSWORD } });
  expect(closed.status).toBe(204);
  expect(await outcome(await browser.signIn(second))).toBe(WRONG);
  const left = await d1Of(env, owner.person.id)
    .prepare("SELECT count(*) AS count FROM passkeys WHERE person = ?")
    .bind(owner.person.id)
    .first<{ count: number }>();
  expect(left?.count).toBe(0);
});

it("keeps passkeys when the password changes, unless they are to be removed", async () => {
  const owner = await signUp();
  const own = await addPasskey(browser, owner);
  const change = async (token: string, current: string, password: string, removePasskeys?: boolean) => {
    const body = { current, password, ...(removePasskeys !== undefined && { removePasskeys }) };
    const response = await ask("PUT", "/v1/me/password", { token, body });
    return { status: response.status, token: (await response.json<{ token: string }>()).token };
  };
  const changed = await change(owner.token, PASSWORD, "a paper clip and a lamp");
  expect((await browser.signIn(own)).status).toBe(201);
  expect((await change(changed.token, "not this one", "yet another lamp", true)).status).toBe(401);
  expect((await browser.signIn(own)).status).toBe(201);
  const again = await change(changed.token, "a paper clip and a lamp", "yet another lamp", true);
  expect(await passkeysOf(again.token)).toEqual([]);
  expect(await outcome(await browser.signIn(own))).toBe(WRONG);
});

it("ends passkeys when an account is recovered, by a code or by a link of the operator", async () => {
  const operated = { ...env, ADMIN_TOKEN: "operator" } as Env;
  for (const way of ["code", "link"] as const) {
    const owner = await signUp();
    const thiefs = await addPasskey(browser, owner);
    const password = "a paper clip and a lamp";
    let recovered: Response;
    if (way === "code") {
      const made = await ask("POST", "/v1/me/recovery-codes", { token: owner.token, body: { password: PASSWORD } });
      const [code] = (await made.json<{ codes: string[] }>()).codes;
      recovered = await ask("POST", "/v1/recovery", { body: { handle: owner.handle, code, password } });
    } else {
      const issued = await ask("POST", "/v1/admin/reset-links", {
        body: { handle: owner.handle },
        headers: { authorization: "Bearer operator" },
        env: operated,
      });
      const link = (await issued.json<{ path: string }>()).path.replace("/reset#", "");
      recovered = await ask("POST", "/v1/password-resets", { body: { link, password } });
    }
    expect(recovered.status).toBe(201);
    expect(await passkeysOf((await recovered.json<SignedIn>()).token)).toEqual([]);
    expect(await outcome(await browser.signIn(thiefs))).toBe(WRONG);
  }
});

it("limits attempts by network, never by the person they are at", async () => {
  const LIMITS = "sign-in=3,1/min";
  const from = (address: string) => ({ env: { ...env, LIMITS }, headers: { "cf-connecting-ip": address } });
  const owner = await signUp();
  const [own, attacker] = [await addPasskey(new Browser(), owner), new Browser()];
  const network = `2001:db8:${shardOf(owner.person.id).toString(16)}:1::1`;
  const forged = { signature: () => Uint8Array.of(0) };
  const outcomes = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    outcomes.push(await outcome(await attacker.signIn(own, forged, from(network))));
  }
  expect(outcomes).toEqual([WRONG, WRONG, WRONG, "429 too_many_attempts"]);
  expect(await outcome(await attacker.signIn(own, {}, from(network)))).toBe("429 too_many_attempts");
  // The person is not locked out: neither elsewhere, nor with their password.
  expect((await new Browser().signIn(own, {}, from("203.0.113.99"))).status).toBe(201);
  const body = { handle: owner.handle, password: PASSWORD };
  expect((await ask("POST", "/v1/sessions", { body, ...from("203.0.113.98") })).status).toBe(201);
});

it("refuses other sites, wrong tokens, and bodies that are malformed or too large", async () => {
  const answer = await passkey.get(await browser.request(), HOST);
  const site = { "sec-fetch-site": "cross-site" };
  expect(await outcome(await browser.send(answer, { headers: site }))).toBe("403 cross_site");
  expect(await outcome(await browser.ask("POST", "/v1/sessions/passkey/options", { headers: site }))).toBe(
    "403 cross_site",
  );
  expect(await outcome(await browser.send(answer, { token: "nonsense" }))).toBe("401 not_signed_in");
  const invalid = "422 invalid_request";
  const { response } = answer;
  for (const changed of [
    { signature: "" },
    { signature: "+/" },
    { signature: "A".repeat(2049) },
    { userHandle: "A".repeat(101) },
    { userHandle: null },
    { authenticatorData: 1 },
    { clientDataJSON: "A".repeat(8193) },
  ]) {
    const body = { ...answer, response: { ...response, ...changed } };
    expect(await outcome(await browser.ask("POST", "/v1/sessions/passkey", { body })), JSON.stringify(changed)).toBe(
      invalid,
    );
  }
  const send = (raw: string) => browser.ask("POST", "/v1/sessions/passkey", { raw });
  expect(await outcome(await send("{"))).toBe("400 malformed_json");
  expect(await outcome(await send("[]"))).toBe(invalid);
  expect(await outcome(await send(JSON.stringify({ ...answer, id: "A".repeat(70_000) })))).toBe("413 too_large");
  for (const authenticatorData of ["AAAA", encode(new Uint8Array(36)), encode(new Uint8Array(37).fill(0xff))]) {
    const body = { ...answer, response: { ...response, authenticatorData } };
    expect(await outcome(await browser.send(body))).toBe(NOT_ACCEPTED);
  }
  expect((await browser.send(answer)).status).toBe(201);
});

it("costs no query to begin, and a query and two batches to sign in", async () => {
  expect((await d1Costs(() => browser.request())).queries.filter((sql) => !OF_SHARDS.test(sql))).toEqual([]);
  const answer = await passkey.get(await browser.request(), HOST);
  const { queries, calls } = await d1Costs(() => browser.send(answer));
  expect([queries.filter((sql) => sql.includes("JOIN") && sql.includes("passkeys")).length, calls]).toEqual([1, 2]);
});
