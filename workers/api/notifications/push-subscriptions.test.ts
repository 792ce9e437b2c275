import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { PushedBrowser } from "../../../tests/runtime/push/browser.ts";
import { ask, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { MOZILLA, pushingEnv, PushServices } from "../../../tests/runtime/push/push-service.ts";
import type { Someone } from "../../../tests/runtime/world/api.ts";
import { SUBSCRIPTIONS_MAX } from "../../push/subscriptions.ts";
import { newSession } from "../sessions/tokens.ts";

const PATH = "/v1/push-subscriptions";
const { env: pushing } = await pushingEnv();
const browsers = new PushServices();

const put = (by: Someone, { subscription }: PushedBrowser, change: object = {}) =>
  ask("PUT", PATH, { token: by.token, body: { ...subscription, ...change }, env: pushing });
const remove = (by: Someone, { subscription: { endpoint } }: PushedBrowser) =>
  ask("DELETE", PATH, { token: by.token, body: { endpoint }, env: pushing });

async function endpointsOf({ person }: Someone): Promise<string[]> {
  const rows = await d1Of(env, person.id)
    .prepare("SELECT endpoint FROM push_subscriptions WHERE person = ? ORDER BY renewed_at, endpoint")
    .bind(person.id)
    .all<{ endpoint: string }>();
  return rows.results.map(({ endpoint }) => endpoint);
}

it("returns the public key, and rejects everything where pushes are not set up", async () => {
  const key = await ask("GET", `${PATH}/key`, { env: pushing });
  expect(key.status).toBe(200);
  const { key: point } = await key.json<{ key: string }>();
  expect(Uint8Array.fromBase64(point, { alphabet: "base64url" })).toHaveLength(65);

  expect(await outcome(await ask("GET", `${PATH}/key`))).toBe("404 push_not_set_up");
  const ada = await signUp();
  const { subscription: body } = browsers.browser();
  expect(await outcome(await ask("PUT", PATH, { token: ada.token, body }))).toBe("404 push_not_set_up");
  expect(await outcome(await ask("PUT", PATH, { body, env: pushing }))).toBe("401 not_signed_in");
  for (const half of [
    { VAPID_SUBJECT: "operator" },
    { VAPID_PRIVATE_KEY: "{}" },
    { VAPID_PRIVATE_KEY: "-----BEGIN" },
  ]) {
    const broken = { ...pushing, ...half };
    expect(await outcome(await ask("GET", `${PATH}/key`, { env: broken }))).toBe("500 internal");
  }
});

it("subscribes, once for each device, and unsubscribes", async () => {
  const ada = await signUp();
  const [phone, laptop] = [browsers.browser(), browsers.browser()];
  for (const browser of [phone, laptop, phone]) expect((await put(ada, browser)).status).toBe(204);
  expect(await endpointsOf(ada)).toHaveLength(2);

  expect((await remove(ada, phone)).status).toBe(204);
  expect(await endpointsOf(ada)).toEqual([laptop.subscription.endpoint]);
  expect(await outcome(await remove(ada, phone))).toBe("404 push_subscription_not_found");
});

it("rejects an endpoint of an unknown push service without calling it", async () => {
  const ada = await signUp();
  for (const endpoint of [
    "http://fcm.googleapis.com/x",
    "https://evil@fcm.googleapis.com/x",
    "https://fcm.googleapis.com.evil/x",
    "https://fcm.googleapis.com:22/x",
    "https://169.254.169.254/x",
    "https://[::1]/x",
    "http://localhost:8787/x",
    `${MOZILLA}/${"x".repeat(1024)}`,
    "",
  ]) {
    expect(await outcome(await put(ada, browsers.browser(), { endpoint })), endpoint).toBe("422 invalid_request");
  }
  expect(await endpointsOf(ada)).toEqual([]);
});

it("rejects invalid keys", async () => {
  const ada = await signUp();
  const browser = browsers.browser();
  const { p256dh, auth } = browser.subscription.keys;
  const point = Uint8Array.fromBase64(p256dh, { alphabet: "base64url" });
  const text = (bytes: Iterable<number>) =>
    Uint8Array.from(bytes).toBase64({ alphabet: "base64url", omitPadding: true });
  const offCurve = point.with(64, (point[64] ?? 0) ^ 1);
  for (const keys of [
    { auth, p256dh: text(offCurve) },
    { auth, p256dh: text(new Uint8Array(65)) },
    { auth, p256dh: text([4, ...new Uint8Array(64)]) },
    { auth, p256dh: text(point.slice(0, 64)) },
    { auth, p256dh: text([...point, 0]) },
    { auth, p256dh: text([2 + ((point[64] ?? 0) & 1), ...point.slice(1, 33)]) },
    { auth, p256dh: `${p256dh.slice(0, -1)}+` },
    { p256dh, auth: text(new Uint8Array(15)) },
    { p256dh, auth: text(new Uint8Array(17)) },
    { p256dh, auth: 7 },
    { p256dh },
  ]) {
    expect(await outcome(await put(ada, browser, { keys })), JSON.stringify(keys)).toBe("422 invalid_request");
  }
  expect(await endpointsOf(ada)).toEqual([]);
});

it("moves a device to the person who uses it now, and lets no one else take it", async () => {
  const people = await Promise.all([signUp(), signUp(), signUp(), signUp()]);
  const [before, now, thief] = people;
  const browser = browsers.browser();
  await put(before, browser);
  expect((await put(now, browser)).status).toBe(204);
  expect(await endpointsOf(before)).toEqual([]);
  expect(await endpointsOf(now)).toEqual([browser.subscription.endpoint]);

  // Someone who has only seen the endpoint does not have the keys.
  const { keys } = new PushedBrowser(browser.subscription.endpoint).subscription;
  expect(await outcome(await put(thief, browser, { keys }))).toBe("404 push_subscription_not_found");
  expect(await outcome(await remove(thief, browser))).toBe("404 push_subscription_not_found");
  expect(await endpointsOf(thief)).toEqual([]);
  expect(await endpointsOf(now)).toEqual([browser.subscription.endpoint]);
});

it("keeps the newest subscriptions", async () => {
  const ada = await signUp();
  const all = Array.from({ length: SUBSCRIPTIONS_MAX + 2 }, () => browsers.browser());
  for (const browser of all) {
    expect((await put(ada, browser)).status).toBe(204);
    await d1Of(env, ada.person.id) // As if they were minutes apart.
      .prepare("UPDATE push_subscriptions SET renewed_at = renewed_at - 60000 WHERE person = ?")
      .bind(ada.person.id)
      .run();
  }
  expect(await endpointsOf(ada)).toEqual(all.slice(2).map(({ subscription: { endpoint } }) => endpoint));
});

it("ends a subscription with its own session, and with no other", async () => {
  const ada = await signUp();
  const elsewhere = { ...ada, token: await anotherSession(ada) };
  const [phone, laptop] = [browsers.browser(), browsers.browser()];
  await put(ada, phone);
  await put(elsewhere, laptop);
  expect((await ask("DELETE", "/v1/sessions/current", { token: ada.token })).status).toBe(204);
  expect(await endpointsOf(ada)).toEqual([laptop.subscription.endpoint]);
});

async function anotherSession({ person }: Someone): Promise<string> {
  const { token, row } = await newSession(env, person.id, Date.now() + 5);
  await d1Of(env, person.id)
    .prepare("INSERT INTO sessions (id, person, secret_hash, expires_at) VALUES (?, ?, ?, ?)")
    .bind(row.id, row.person, row.secretHash, row.expiresAt)
    .run();
  return token;
}
