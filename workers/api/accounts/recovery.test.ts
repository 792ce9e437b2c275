import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { NewRecoveryCodes, RecoveryCodesLeft, ResetLink } from "../../../schema/api/accounts.ts";
import type { SignedIn } from "../../../schema/api/people.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { d1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { ask, outcome, randomHandle } from "../../../tests/runtime/world/people.ts";
import { LINK_LASTS } from "./recovery.ts";

const password = "correct horse battery";
const newPassword = "a paper clip and a lamp";
const operated = { ...env, ADMIN_TOKEN: "operator" } as Env;

async function signUp(): Promise<SignedIn & { handle: string }> {
  const handle = randomHandle();
  const signedUp = await (await ask("POST", "/v1/people", { body: { handle, password } })).json<SignedIn>();
  return { ...signedUp, handle };
}

async function codesOf(token: string): Promise<string[]> {
  const made = await ask("POST", "/v1/me/recovery-codes", { token, body: { password } });
  expect(made.status).toBe(201);
  return (await made.json<NewRecoveryCodes>()).codes;
}

const left = async (token: string) =>
  (await (await ask("GET", "/v1/me/recovery-codes", { token })).json<RecoveryCodesLeft>()).left;
const recover = (handle: string, code: string, password = newPassword) =>
  ask("POST", "/v1/recovery", { body: { handle, code, password } });
const signIn = (handle: string, password: string) => ask("POST", "/v1/sessions", { body: { handle, password } });
const statusOf = async (token: string) => (await ask("GET", "/v1/me", { token })).status;

it("recovers an account with a code, once, and ends all its sessions", async () => {
  const { handle, token, person } = await signUp();
  const codes = await codesOf(token);
  expect(codes).toHaveLength(10);
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/);
  const { results } = await d1Of(env, person.id)
    .prepare("SELECT * FROM recovery_secrets WHERE person = ?")
    .bind(person.id)
    .all();
  for (const code of codes) expect(JSON.stringify(results)).not.toContain(code.replaceAll("-", ""));

  const [code = ""] = codes;
  const recovered = await recover(handle, code.toUpperCase().replaceAll("-", " "));
  expect(recovered.status).toBe(201);
  const signedIn = await recovered.json<SignedIn>();
  expect(signedIn.person).toEqual(person);
  expect([await statusOf(token), await statusOf(signedIn.token), await left(signedIn.token)]).toEqual([401, 200, 9]);
  expect(await outcome(await signIn(handle, password))).toBe("401 wrong_credentials");
  expect(await outcome(await signIn(handle, newPassword))).toBe("201");
  expect(await outcome(await recover(handle, code, "yet another lamp"))).toBe("401 wrong_credentials");
});

it("lets one of two uses of a code at once win", async () => {
  const { handle, token } = await signUp();
  const [code = ""] = await codesOf(token);
  const wanted = [newPassword, "another lamp entirely"];
  const answers = await Promise.all(wanted.map((password) => recover(handle, code, password)));
  const outcomes = await Promise.all(answers.map(outcome));
  expect(outcomes.toSorted()).toEqual(["201", "401 wrong_credentials"]);
  expect(await outcome(await signIn(handle, wanted[outcomes.indexOf("201")] ?? ""))).toBe("201");
});

it("replaces the whole set, and only with the password", async () => {
  const { handle, token } = await signUp();
  const [old = ""] = await codesOf(token);
  const refused = await ask("POST", "/v1/me/recovery-codes", { token, body: { password: "incorrect horse" } });
  expect(await outcome(refused)).toBe("401 wrong_credentials");
  const [fresh = ""] = await codesOf(token);
  expect(await left(token)).toBe(10);
  expect(await outcome(await recover(handle, old))).toBe("401 wrong_credentials");
  expect(await outcome(await recover(handle, fresh))).toBe("201");
  expect(await outcome(await ask("POST", "/v1/me/recovery-codes", { body: { password } }))).toBe("401 not_signed_in");
});

it("tells nobody whether a handle exists, by answer, queries or hashes", async () => {
  const { handle, token } = await signUp();
  const other = await signUp();
  const [code = ""] = await codesOf(other.token);
  await codesOf(token);
  const costsOf = async (asked: string) => {
    const responses: Response[] = [];
    const { queries } = await d1Costs(async () => void responses.push(await recover(asked, code)));
    const { requestId: _, ...problem } = (await responses[0]?.json<{ requestId: string }>()) ?? { requestId: "" };
    return { problem, queries: queries.filter((sql) => sql.includes("recovery_secrets")).length };
  };
  const [known, unknown] = [await costsOf(handle), await costsOf(randomHandle())];
  expect(known.problem).toMatchObject({ status: 401, code: "wrong_credentials" });
  expect(known.queries).toBeGreaterThan(0);
  expect(unknown).toEqual(known);
  expect(await outcome(await signIn(handle, password))).toBe("201"); // Nothing has changed.
});

it("refuses a weak new password before it looks at the code", async () => {
  const { handle, token } = await signUp();
  const [code = ""] = await codesOf(token);
  expect(await outcome(await recover(handle, code, "12345678"))).toBe("422 weak_password");
  expect(await outcome(await recover(handle, code))).toBe("201");
});

async function linkOf(handle: string): Promise<string> {
  const response = await ask("POST", "/v1/admin/reset-links", {
    body: { handle },
    headers: { authorization: "Bearer operator" },
    env: operated,
  });
  expect(response.status).toBe(201);
  return (await response.json<ResetLink>()).path.replace("/reset#", "");
}

const reset = (link: string, password = newPassword) =>
  ask("POST", "/v1/password-resets", { body: { link, password } });

it("resets a password with a link from the operator, once, within an hour", async () => {
  const { handle, token } = await signUp();
  const earlier = await linkOf(handle);
  const link = await linkOf(handle);
  expect(await outcome(await reset(earlier))).toBe("401 wrong_credentials");
  expect(await outcome(await reset(`${link.slice(0, -2)}xx`))).toBe("401 wrong_credentials");
  expect(await outcome(await reset("nonsense"))).toBe("401 wrong_credentials");
  const done = await reset(link);
  expect(done.status).toBe(201);
  expect([await statusOf(token), await statusOf((await done.json<SignedIn>()).token)]).toEqual([401, 200]);
  expect(await outcome(await reset(link))).toBe("401 wrong_credentials");

  const late = await linkOf(handle);
  vi.useFakeTimers({ now: Date.now() + LINK_LASTS + 1000, toFake: ["Date"] });
  expect(await outcome(await reset(late))).toBe("401 wrong_credentials");
  vi.useRealTimers();
  // A code may not be used as a link, nor a link as a code.
  expect(await outcome(await recover(handle, late.split(".")[1] ?? ""))).toBe("401 wrong_credentials");
});

it("issues links to nobody but the operator, and only for people who exist", async () => {
  const { handle, token } = await signUp();
  const asked = (body: object, authorization: string) =>
    ask("POST", "/v1/admin/reset-links", { body, headers: { authorization }, env: operated });
  expect(await outcome(await asked({ handle }, `Bearer ${token}`))).toBe("401 not_the_operator");
  expect(await outcome(await asked({ handle: randomHandle() }, "Bearer operator"))).toBe("404 person_not_found");
});
