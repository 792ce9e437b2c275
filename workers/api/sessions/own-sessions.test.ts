import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { SessionList } from "../../../schema/api/accounts.ts";
import type { NotificationPage } from "../../../schema/api/notifications.ts";
import type { SignedIn } from "../../../schema/api/people.ts";
import { SESSION_OVER } from "../../../schema/live/live-limits.ts";
import { connect, hangUp } from "../../../tests/runtime/live/live.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { d1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { ask, HOST, outcome, randomHandle, signUp as signUpFast } from "../../../tests/runtime/world/people.ts";
import { SESSIONS_MAX } from "./begin-session.ts";
import { deviceOf, placeOf } from "./devices.ts";
import { newSession, SECRET_LASTS, SESSION_IDLE_MAX, SESSION_LASTS } from "./tokens.ts";

afterEach(() => {
  hangUp();
  vi.useRealTimers();
});

const password = "correct horse battery";
const FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const later = (ms: number) => vi.useFakeTimers({ now: Date.now() + ms, toFake: ["Date"] });
const own = { "sec-fetch-site": "same-origin", origin: HOST };

/** A browser that keeps its cookies. */
class Browser {
  readonly cookies = new Map<string, string>();

  async ask(
    method: string,
    path: string,
    body?: object,
    more: { userAgent?: string; cf?: object } = {},
  ): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...own, cookie, "user-agent": more.userAgent ?? FIREFOX };
    const response = await ask(method, path, { body, headers, ...(more.cf && { cf: more.cf }) });
    for (const set of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      if (value === "") this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  get token(): string {
    return this.cookies.get("__Host-session") ?? "";
  }

  copy(): Browser {
    const copy = new Browser();
    for (const [name, value] of this.cookies) copy.cookies.set(name, value);
    return copy;
  }
}

async function signUp(
  browser = new Browser(),
): Promise<{ browser: Browser; handle: string; person: SignedIn["person"] }> {
  const handle = randomHandle();
  const { person } = await (await browser.ask("POST", "/v1/people", { handle, password })).json<SignedIn>();
  return { browser, handle, person };
}

const listOf = async (token: string) =>
  (await (await ask("GET", "/v1/me/sessions", { token })).json<SessionList>()).items;
const statusOf = async (token: string) => (await ask("GET", "/v1/me", { token })).status;

it("lists the sessions with device and place, and says which is the current one", async () => {
  const { browser, handle } = await signUp();
  const phone = new Browser();
  const userAgent =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1";
  await phone.ask("POST", "/v1/sessions", { handle, password }, { userAgent, cf: { city: "Lisbon", country: "PT" } });
  const sessions = await listOf(browser.token);
  expect(sessions.map(({ device, place, current }) => ({ device, place, current }))).toEqual([
    { device: "Safari on iPhone", place: "Lisbon, Portugal", current: false },
    { device: "Firefox on Windows", place: undefined, current: true },
  ]);
  expect(JSON.stringify(sessions)).not.toContain(browser.token.split(".")[2]);
});

it("ends one session, with its sockets, and only one's own", async () => {
  const { browser, handle } = await signUp();
  const [phone, stranger] = [new Browser(), await signUp()];
  await phone.ask("POST", "/v1/sessions", { handle, password });
  const [, session = ""] = phone.token.split(".");
  expect(await outcome(await stranger.browser.ask("DELETE", `/v1/me/sessions/${session}`))).toBe(
    "404 session_not_found",
  );
  const socket = await connect({ token: phone.token });
  expect((await browser.ask("DELETE", `/v1/me/sessions/${session}`)).status).toBe(204);
  expect([await statusOf(phone.token), await statusOf(browser.token)]).toEqual([401, 200]);
  expect(await socket.closed).toBe(SESSION_OVER);
  expect(await outcome(await browser.ask("DELETE", `/v1/me/sessions/${session}`))).toBe("404 session_not_found");
});

it("ends all other sessions", async () => {
  const { browser, handle } = await signUp();
  const others = [new Browser(), new Browser()];
  for (const other of others) await other.ask("POST", "/v1/sessions", { handle, password });
  expect((await browser.ask("DELETE", "/v1/me/sessions")).status).toBe(204);
  expect(await Promise.all(others.map(({ token }) => statusOf(token)))).toEqual([401, 401]);
  expect(await listOf(browser.token)).toHaveLength(1);
});

it("ends the session that a browser had when somebody signs in or up in it", async () => {
  const { browser, handle } = await signUp();
  const first = browser.token;
  await browser.ask("POST", "/v1/sessions", { handle, password });
  const second = browser.token;
  expect([await statusOf(first), await statusOf(second)]).toEqual([401, 200]);
  expect(await listOf(second)).toHaveLength(1);
  const { browser: same } = await signUp(browser);
  expect([await statusOf(second), await statusOf(same.token)]).toEqual([401, 200]);
  await browser.ask("POST", "/v1/sessions", { handle, password });
  expect(await statusOf(browser.token)).toBe(200);
});

it("keeps the sessions of programs, which sign in with no cookie", async () => {
  const { handle, browser } = await signUp();
  const signIn = async () =>
    (await (await ask("POST", "/v1/sessions", { body: { handle, password } })).json<SignedIn>()).token;
  const tokens = [await signIn(), await signIn()];
  expect(await Promise.all([...tokens, browser.token].map(statusOf))).toEqual([200, 200, 200]);
});

it("keeps at most 50 sessions, those used last", async () => {
  const { browser, handle, person } = await signUp();
  const database = d1Of(env, person.id);
  for (let n = 0; n < SESSIONS_MAX; n += 1) {
    const { row } = await newSession(env, person.id, Date.now() - 86_400_000 + n);
    await database
      .prepare("INSERT INTO sessions (id, person, secret_hash, expires_at, used_at) VALUES (?, ?, ?, ?, ?)")
      .bind(row.id, row.person, row.secretHash, row.expiresAt, row.usedAt)
      .run();
  }
  await new Browser().ask("POST", "/v1/sessions", { handle, password });
  const sessions = await listOf(browser.token);
  expect([sessions.length, sessions.filter(({ current }) => current).length]).toEqual([SESSIONS_MAX, 1]);
});

describe("a session", () => {
  it("ends after 30 days without use, and after 180 days of use", async () => {
    const { token } = await signUpFast();
    const start = Date.now();
    vi.useFakeTimers({ now: start + SESSION_IDLE_MAX + 1000, toFake: ["Date"] });
    expect(await statusOf(token)).toBe(401);

    vi.setSystemTime(start);
    for (let day = 20; day < 180; day += 20) {
      vi.setSystemTime(start + day * 86_400_000);
      expect(await statusOf(token), `day ${day}`).toBe(200);
    }
    vi.setSystemTime(start + SESSION_LASTS + 1000);
    expect(await statusOf(token)).toBe(401);
  });

  it("is noted as used at most every six hours, and no request waits for it", async () => {
    const { token, person } = await signUpFast();
    const usedAt = async () =>
      (
        await d1Of(env, person.id)
          .prepare("SELECT used_at FROM sessions WHERE person = ?")
          .bind(person.id)
          .first<{ used_at: number }>()
      )?.used_at ?? 0;
    const before = await usedAt();
    later(5 * 3_600_000);
    await statusOf(token);
    expect(await usedAt()).toBe(before);
    later(2 * 3_600_000);
    const { queries } = await d1Costs(() => Promise.all([statusOf(token), statusOf(token), statusOf(token)]));
    expect(queries.filter((sql) => sql.includes('UPDATE "sessions"'))).toHaveLength(1);
    expect(await usedAt()).toBeGreaterThanOrEqual(before + 7 * 3_600_000);
  });
});

describe("a browser's secret", () => {
  it("is renewed after a week, and the earlier one ends once the new one has been used", async () => {
    const { browser } = await signUp();
    const old = browser.copy();
    later(SECRET_LASTS + 1000);
    expect((await browser.ask("GET", "/v1/me")).status).toBe(200);
    expect(browser.token).not.toBe(old.token);
    expect(browser.token.split(".").slice(0, 2)).toEqual(old.token.split(".").slice(0, 2));
    expect([await statusOf(old.token), await statusOf(browser.token)]).toEqual([200, 200]);
    later(7 * 3_600_000);
    expect(await statusOf(browser.token)).toBe(200);
    expect([await statusOf(old.token), await statusOf(browser.token)]).toEqual([401, 200]);
  });

  it("is renewed again when the response with the new one was lost", async () => {
    const { browser } = await signUp();
    const lost = browser.copy();
    later(SECRET_LASTS + 1000);
    await lost.ask("GET", "/v1/me"); // Its cookie never reaches `browser`.
    const old = browser.token;
    later(3 * 86_400_000);
    expect((await browser.ask("GET", "/v1/me")).status).toBe(200);
    expect(browser.token).not.toBe(old);
    expect([await statusOf(browser.token), await statusOf(lost.token)]).toEqual([200, 401]);
  });

  it("is renewed once by requests of several tabs at once", async () => {
    const { browser } = await signUp();
    later(SECRET_LASTS + 1000);
    const tabs = Array.from({ length: 4 }, () => browser.copy());
    await Promise.all(tabs.map((tab) => tab.ask("GET", "/v1/me")));
    const renewed = new Set(tabs.map(({ token }) => token).filter((token) => token !== browser.token));
    expect(renewed.size).toBe(1);
    expect(await Promise.all([...renewed].map(statusOf))).toEqual([200]);
  });
});

describe("a sign-in on a new device", () => {
  const signIns = async (token: string) => {
    const { items } = await (await ask("GET", "/v1/notifications", { token })).json<NotificationPage>();
    return items.flatMap((item) => (item.kind === "new_device" ? [item] : []));
  };

  it("raises a notification, and one on a known device does not", async () => {
    const { browser, handle, person } = await signUp();
    await browser.ask("DELETE", "/v1/sessions/current");
    await browser.ask("POST", "/v1/sessions", { handle, password });
    expect(await signIns(browser.token)).toEqual([]);

    const phone = new Browser();
    await phone.ask("POST", "/v1/sessions", { handle, password }, { cf: { country: "PT" } });
    expect(await signIns(browser.token)).toMatchObject([
      {
        device: "Firefox on Windows, Portugal",
        session: phone.token.split(".")[1],
        unread: true,
        actors: [{ id: person.id }],
      },
    ]);
    await phone.ask("POST", "/v1/sessions", { handle, password });
    expect(await signIns(browser.token)).toHaveLength(1);
  });

  it("is not hidden by a cookie of another person, or one that was made up", async () => {
    const { browser, handle, person } = await signUp();
    const other = (await signUp()).browser;
    await other.ask("DELETE", "/v1/sessions/current");
    await other.ask("POST", "/v1/sessions", { handle, password });
    const forger = new Browser();
    forger.cookies.set("__Host-devices", `${person.id}-${"A".repeat(22)}`);
    await forger.ask("POST", "/v1/sessions", { handle, password });
    expect(await signIns(browser.token)).toHaveLength(2);
  });

  it("is reported again after the password has changed", async () => {
    const { browser, handle } = await signUp();
    const phone = new Browser();
    await phone.ask("POST", "/v1/sessions", { handle, password });
    const next = "a paper clip and a lamp";
    await browser.ask("PUT", "/v1/me/password", { current: password, password: next });
    await phone.ask("POST", "/v1/sessions", { handle, password: next });
    expect(await signIns(browser.token)).toHaveLength(2);
    await browser.ask("POST", "/v1/sessions", { handle, password: next });
    expect(await signIns(browser.token)).toHaveLength(2);
  });
});

it.each([
  [FIREFOX, "Firefox on Windows"],
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Chrome on Linux",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36 Edg/141.0",
    "Edge on Windows",
  ],
  [
    "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Mobile Safari/537.36",
    "Chrome on Android",
  ],
  ["curl/8.5.0", "curl"],
  ["<script>alert(1)</script>", "Unknown device"],
  ["", "Unknown device"],
  [undefined, "Unknown device"],
])("describes %j as %s", (userAgent, device) => {
  expect(deviceOf(userAgent)).toBe(device);
});

it.each([
  [{ city: "Lisbon", country: "PT" }, "Lisbon, Portugal"],
  [{ country: "PT" }, "Portugal"],
  [{ country: "T1" }, null],
  [{ city: "", country: 7 }, null],
  [{}, null],
])("describes %j as %s", (cf, place) => {
  expect(placeOf(cf)).toBe(place);
});
