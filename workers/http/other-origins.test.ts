/** Web apps of other origins: what they may ask, and that they never act by the cookie of a visitor. */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { ask as askAny, randomHandle, type RequestOptions, signUp } from "../../tests/runtime/world/people.ts";
import { allowedOrigins } from "./other-origins.ts";
import { SESSION_COOKIE } from "./session-cookie.ts";

const APP = "https://app.example";
const world = { ...env, ALLOWED_ORIGINS: `${APP} http://localhost:3000` };

const ask = (method: string, path: string, { headers, ...more }: RequestOptions = {}, origin = APP) =>
  askAny(method, path, { env: world, ...more, headers: { origin, "sec-fetch-site": "cross-site", ...headers } });

it.each([
  ["GET", "/v1/feed", "authorization"],
  ["POST", "/v1/posts", "authorization,content-type,idempotency-key"],
  ["POST", "/v1/uploads", "authorization,tus-resumable,upload-length"],
  ["PATCH", "/v1/uploads/0123456789abc", "authorization,tus-resumable,upload-offset,content-type"],
])("allows %s %s with %s", async (method, path, asked) => {
  const headers = { "access-control-request-method": method, "access-control-request-headers": asked };
  const { status, headers: answered } = await ask("OPTIONS", path, { headers });
  const allowed = (answered.get("access-control-allow-headers") ?? "").toLowerCase().split(", ");
  expect([status, answered.get("access-control-allow-origin"), answered.get("vary")]).toEqual([204, APP, "Origin"]);
  expect(answered.get("access-control-allow-methods")).toContain(method);
  expect(asked.split(",").filter((name) => !allowed.includes(name))).toEqual([]);
  expect(Number(answered.get("access-control-max-age"))).toBeGreaterThan(0);
  expect(answered.has("access-control-allow-credentials")).toBe(false);
});

it("serves an app with its token, and shows it the headers that it needs", async () => {
  const { token } = await signUp();
  const feed = await ask("GET", "/v1/feed", { token });
  expect([feed.status, feed.headers.get("access-control-allow-origin")]).toEqual([200, APP]);
  const shown = (feed.headers.get("access-control-expose-headers") ?? "").split(", ");
  expect(shown).toEqual(
    expect.arrayContaining(["Consistency-Token", "ETag", "Location", "RateLimit", "Upload-Offset"]),
  );
  expect((await ask("PATCH", "/v1/me", { token, body: { bio: "Here" } })).status).toBe(200);
  const upload = await ask("POST", "/v1/uploads", {
    token,
    headers: { "tus-resumable": "1.0.0", "upload-length": "40" },
  });
  expect([upload.status, upload.headers.has("location")]).toEqual([201, true]);
});

it("says why it refuses, too", async () => {
  const refused = await ask("GET", "/v1/feed", { token: "nonsense" });
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, APP]);
});

it("signs in to an app without a cookie", async () => {
  const body = { handle: randomHandle(), password: "correct horse battery" };
  const response = await ask("POST", "/v1/people", { body });
  expect([response.status, response.headers.get("set-cookie")]).toEqual([201, null]);
});

it("never acts by the cookie of a visitor", async () => {
  const { token, person } = await signUp();
  const headers = { cookie: `${SESSION_COOKIE}=${token}` };
  expect((await ask("GET", "/v1/me", { headers })).status).toBe(401);
  expect((await ask("PATCH", "/v1/me", { headers, body: { bio: "Taken over" } })).status).toBe(401);
  const { bio } = await (await ask("GET", `/v1/people/${person.handle}`)).json<{ bio: string }>();
  expect(bio).toBe("");
});

it.each([
  "https://other.example",
  "https://app.example.evil.example",
  "http://app.example",
  "null",
  "https://app.example:444",
])("allows nothing to %s", async (origin) => {
  const { token } = await signUp();
  const preflight = await ask("OPTIONS", "/v1/feed", { headers: { "access-control-request-method": "GET" } }, origin);
  const feed = await ask("GET", "/v1/feed", { token }, origin);
  for (const { headers } of [preflight, feed]) expect(headers.has("access-control-allow-origin")).toBe(false);
});

it("lets caches keep responses for each origin apart", async () => {
  const path = `/v1/people/${(await signUp()).person.handle}`;
  for (const origin of [APP, "http://localhost:3000", APP]) {
    const response = await ask("GET", path, { asAnybody: true }, origin);
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    expect(response.headers.get("vary")).toContain("Origin");
  }
  expect(
    (await ask("GET", path, { asAnybody: true }, "https://other.example")).headers.has("access-control-allow-origin"),
  ).toBe(false);
});

it("reads exact origins only", () => {
  const text = " https://a.example  https://b.example/ *  https://c.example/path b.example https://*.d.example";
  expect([...allowedOrigins(text)]).toEqual(["https://a.example", "https://*.d.example"]);
});
