import { env } from "cloudflare:workers";
import { afterEach, expect, it } from "vitest";
import type { SignedIn } from "../../../schema/api/people.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { SESSION_OVER } from "../../../schema/live/live-limits.ts";
import { connect, hangUp } from "../../../tests/runtime/live/live.ts";
import { ask, outcome, randomHandle } from "../../../tests/runtime/world/people.ts";

const password = "correct horse battery";
const newPassword = "a paper clip and a lamp";

async function signUp(): Promise<SignedIn & { handle: string }> {
  const handle = randomHandle();
  const signedUp = await (await ask("POST", "/v1/people", { body: { handle, password } })).json<SignedIn>();
  return { ...signedUp, handle };
}

afterEach(hangUp);

const signIn = (handle: string, password: string) => ask("POST", "/v1/sessions", { body: { handle, password } });
const change = (token: string, current: string, password: string) =>
  ask("PUT", "/v1/me/password", { token, body: { current, password } });
const statusOf = async (token: string) => (await ask("GET", "/v1/me", { token })).status;

it("changes the password, ends all other sessions, and replaces the token of this one", async () => {
  const { handle, token, person } = await signUp();
  const other = await (await signIn(handle, password)).json<SignedIn>();
  await d1Of(env, person.id)
    .prepare(
      "INSERT INTO push_subscriptions (person, endpoint, p256dh, auth, session, renewed_at) VALUES (?1, 'own', '', '', ?2, 0), (?1, 'other', '', '', ?3, 0)",
    )
    .bind(person.id, token.split(".")[1], other.token.split(".")[1])
    .run();

  const changed = await change(token, password, newPassword);
  expect(changed.status).toBe(200);
  const { token: renewed } = await changed.json<{ token: string }>();

  expect([await statusOf(token), await statusOf(other.token), await statusOf(renewed)]).toEqual([401, 401, 200]);
  expect(await outcome(await signIn(handle, password))).toBe("401 wrong_credentials");
  expect(await outcome(await signIn(handle, newPassword))).toBe("201");
  const { results } = await d1Of(env, person.id)
    .prepare("SELECT endpoint FROM push_subscriptions WHERE person = ?")
    .bind(person.id)
    .all();
  expect(results).toEqual([{ endpoint: "own" }]);
});

it("closes the sockets of the sessions that it ends, and keeps its own", async () => {
  const { handle, token } = await signUp();
  const other = await (await signIn(handle, password)).json<SignedIn>();
  const [own, others] = [await connect({ token }), await connect({ token: other.token })];
  expect((await change(token, password, newPassword)).status).toBe(200);
  expect(await others.closed).toBe(SESSION_OVER);
  expect(own.socket.readyState).toBe(WebSocket.OPEN);
});

it("refuses a wrong current password and a weak new one, and changes nothing", async () => {
  const { handle, token, person } = await signUp();
  const wrong = await change(token, "incorrect horse", newPassword);
  expect(await wrong.clone().json()).toMatchObject({ errors: [{ path: "current" }] });
  expect(await outcome(wrong)).toBe("401 wrong_credentials");
  for (const weak of ["12345678", handle, person.name]) {
    expect(await outcome(await change(token, password, weak)), weak).toBe("422 weak_password");
  }
  expect(await outcome(await change("", password, newPassword))).toBe("401 not_signed_in");
  expect(await statusOf(token)).toBe(200);
  expect(await outcome(await signIn(handle, password))).toBe("201");
});

it("lets one of two changes at once win", async () => {
  const { handle, token } = await signUp();
  const wanted = [newPassword, "another lamp entirely"];
  const answers = await Promise.all(wanted.map((password) => change(token, "correct horse battery", password)));
  expect((await Promise.all(answers.map(outcome))).sort()).toEqual(["200", "401 wrong_credentials"]);
  const won = answers[0]?.status === 200 ? 0 : 1;
  expect(await outcome(await signIn(handle, wanted[won] ?? ""))).toBe("201");
  expect(await outcome(await signIn(handle, wanted[1 - won] ?? ""))).toBe("401 wrong_credentials");
});
