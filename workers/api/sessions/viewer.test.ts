import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { d1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { issue } from "../../storage/issued-tokens.ts";
import { writeFollow } from "../../../tests/runtime/world/posts.ts";
import { withFaults } from "../../../tests/runtime/stores/faults.ts";
import { publish } from "../../../tests/runtime/world/api.ts";
import { ask, HOST, makePrivate, outcome, randomHandle, signUp } from "../../../tests/runtime/world/people.ts";

const cookie = (token: string) => ({ cookie: `__Host-session=${token}` });

it("finds the viewer by a token, as a bearer or in the cookie", async () => {
  const { person, token } = await signUp();
  expect(await (await ask("GET", "/v1/me", { token })).json()).toMatchObject(person);
  expect(await (await ask("GET", "/v1/me", { headers: cookie(token) })).json()).toMatchObject(person);
});

it("rejects a wrong Authorization even on public routes", async () => {
  const { token } = await signUp();
  const [person = "", session = "", secret = "", mac = ""] = token.split(".");
  const other = await signUp();
  const wrong = [
    "Bearer",
    "Bearer x",
    `Bearer ${person}.${session}`,
    `Bearer ${session}.${secret}`,
    `Bearer ${person}.${session}.`,
    `Bearer ${person}.${session}.${secret}`,
    `Bearer ${person}.${session}.${"A".repeat(43)}.${mac}`,
    `Bearer ${person}.0000000000000.${secret}.${mac}`,
    `Bearer ${other.person.id}.${session}.${secret}.${mac}`,
    `Bearer ${await issue(env, "consistency", `${person}.${session}.${secret}`)}`,
    `Bearer ${await issue(env, "session", `${person}.${session}.${"A".repeat(43)}`)}`,
    `Bearer ${await issue(env, "session", `${other.person.id}.${session}.${secret}`)}`,
    `Bearer ${token}A`,
    `Bearer ${token} ${token}`,
    `Basic ${token}`,
    token,
  ];
  for (const authorization of wrong) {
    const response = await ask("GET", "/v1/people", { headers: { authorization, ...cookie(token) } });
    expect(await outcome(response), authorization).toBe("401 not_signed_in");
  }
});

it("treats a cookie without a valid session as an anonymous viewer", async () => {
  const { token } = await signUp();
  for (const stale of ["", "x", `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`, "x".repeat(8000)]) {
    expect((await ask("GET", "/v1/people", { headers: cookie(stale) })).status, stale).toBe(200);
    expect((await ask("GET", "/v1/me", { headers: cookie(stale) })).status, stale).toBe(401);
  }
  expect((await ask("GET", "/v1/me", { headers: { cookie: `session=${token}` } })).status).toBe(401);
});

it("does not read a token from the URL", async () => {
  const { token } = await signUp();
  expect((await ask("GET", `/v1/me?token=${token}&access_token=${token}`)).status).toBe(401);
});

it.each([
  [{}, 403],
  [{ "sec-fetch-site": "same-origin" }, 200],
  [{ "sec-fetch-site": "same-origin", origin: HOST }, 200],
  [{ "sec-fetch-site": "same-site", origin: HOST }, 403],
  [{ "sec-fetch-site": "cross-site", origin: HOST }, 403],
  [{ "sec-fetch-site": "none" }, 403],
  [{ "sec-fetch-site": "" }, 403],
  [{ origin: HOST }, 200],
  [{ origin: "null" }, 403],
  [{ origin: `${HOST}.evil.example` }, 403],
  [{ origin: `${HOST}:8080` }, 403],
  [{ origin: HOST.replace("http:", "https:") }, 403],
  [{ referer: `${HOST}/` }, 403],
])("accepts writes with a cookie only from our own pages: %j", async (headers, status) => {
  const { token } = await signUp();
  const edited = await ask("PATCH", "/v1/me", { body: { bio: "new" }, headers: { ...cookie(token), ...headers } });
  expect(edited.status).toBe(status);
  const { bio } = await (await ask("GET", "/v1/me", { token })).json<{ bio: string }>();
  expect(bio).toBe(status === 200 ? "new" : "");
  if (status !== 200) expect(await outcome(edited)).toBe("403 cross_site");
});

it("accepts reads with a cookie, and writes with a bearer, from any site", async () => {
  const { token } = await signUp();
  const evil = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
  const read = await ask("GET", "/v1/me", { headers: { ...cookie(token), ...evil } });
  expect(read.status).toBe(200);
  expect(read.headers.get("access-control-allow-origin")).toBeNull(); // So the other site cannot read the response.
  expect((await ask("PATCH", "/v1/me", { token, body: { bio: "new" }, headers: evil })).status).toBe(200);
});

it("changes nothing for a form or an overridden method", async () => {
  const { token } = await signUp();
  const own = { ...cookie(token), "sec-fetch-site": "same-origin" };
  const form = await ask("PATCH", "/v1/me", {
    body: { bio: "new" },
    headers: { ...own, "content-type": "text/plain" },
  });
  expect(form.status).toBeGreaterThanOrEqual(400);
  expect(form.status).toBeLessThan(500);
  await ask("GET", "/v1/me?_method=PATCH", { headers: { ...own, "x-http-method-override": "DELETE" } });
  expect(await (await ask("GET", "/v1/me", { token })).json()).toMatchObject({ bio: "" });
});

/** A token that claims to be of a session of this person, with another secret. */
const forged = (token: string) => `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
/** The same with a right MAC, as if its key were known or could not be read. */
const issuedWrongly = async (token: string) =>
  issue(env, "session", [...token.split(".").slice(0, 2), "A".repeat(43)].join("."));

it("refuses a forged token before it reads anything, and in a new isolate while it reads", async () => {
  const { token } = await signUp();
  const read = (from: Env) => ask("GET", "/v1/feed", { token: forged(token), env: from });
  const { calls } = await d1Costs(async () => {
    for (let n = 0; n < 20; n += 1) expect(await outcome(await read(env))).toBe("401 not_signed_in");
  });
  expect(calls).toBe(0);
  expect(await outcome(await read(withFaults(env, {}).env))).toBe("401 not_signed_in");
});

it("checks sessions although the key of tokens cannot be read", async () => {
  const { token } = await signUp();
  const prepare = (sql: string) => {
    if (sql.includes("secrets")) throw new Error("D1_ERROR: Network connection lost.");
    return env.DB.prepare(sql);
  };
  const batch = (statements: D1PreparedStatement[]) => env.DB.batch(statements);
  const withSession = (constraint: string) => {
    const session = env.DB.withSession(constraint);
    const inSession = (statements: D1PreparedStatement[]) => session.batch(statements);
    return { prepare, batch: inSession, getBookmark: () => session.getBookmark() };
  };
  const isolate: Env = { ...env, DB: { prepare, batch, withSession } as unknown as D1Database };
  expect((await ask("GET", "/v1/me", { token, env: isolate })).status).toBe(200);
  const wrong = await issuedWrongly(token);
  expect(await outcome(await ask("GET", "/v1/me", { token: wrong, env: isolate }))).toBe("401 not_signed_in");
});

it.each([
  ["forged", async (token: string) => forged(token)],
  ["issued", issuedWrongly],
])("shows and changes nothing of the person of a wrong token that is %s", async (_, wrong) => {
  const { person, token } = await signUp();
  const wrongToken = await wrong(token);
  const { id } = await publish({ person, token });
  const database = d1Of(env, person.id);
  await database.prepare("UPDATE people SET seen_day = 1 WHERE id = ?").bind(person.id).run(); // A feed to rebuild.
  const state = () => database.prepare("SELECT * FROM people WHERE id = ?").bind(person.id).first();
  const before = await state();
  const paths = ["/v1/feed", "/v1/me", "/v1/notifications", `/v1/posts/${id}`, `/v1/people/${person.handle}/posts`];
  for (const path of paths) {
    const asBearer = await ask("GET", path, { token: wrongToken });
    for (const name of ["etag", "server-timing", "consistency-token"]) expect(asBearer.headers.get(name)).toBeNull();
    expect(await outcome(asBearer), path).toBe("401 not_signed_in");
    const asVisitor = await ask("GET", path);
    const byCookie = await ask("GET", path, { headers: cookie(wrongToken) });
    expect(byCookie.status, path).toBe(asVisitor.status);
    const bodies = [byCookie, asVisitor].map(async (response) => {
      const { requestId: _, ...body } = await response.json<{ requestId?: string }>();
      return body;
    });
    expect(await bodies[0], path).toEqual(await bodies[1]);
  }
  for (const [method, path, body] of [
    ["PUT", `/v1/posts/${id}/like`],
    ["POST", `/v1/posts/${id}/comments`, { text: "Not mine" }],
    ["PATCH", "/v1/me", { bio: "Not mine" }],
    ["DELETE", `/v1/posts/${id}`],
    ["DELETE", "/v1/sessions/current"],
  ] as const) {
    expect(await outcome(await ask(method, path, { token: wrongToken, body })), path).toBe("401 not_signed_in");
  }
  expect(await state()).toEqual(before);
  expect(await (await ask("GET", `/v1/posts/${id}`)).json()).toMatchObject({ likes: 0, comments: 0 });
});

it("signs nobody up with a wrong Authorization", async () => {
  const { token } = await signUp();
  const handle = randomHandle();
  const body = { handle, password: "correct horse battery" };
  expect(await outcome(await ask("POST", "/v1/people", { token: forged(token), body }))).toBe("401 not_signed_in");
  expect(await outcome(await ask("GET", `/v1/people/${handle}`))).toBe("404 person_not_found");
});

it("does not tell the sender of a forged cookie what its person may see", async () => {
  const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
  await writeFollow(ben.person.id, ada.person.id);
  const { id } = await publish(ada);
  await makePrivate(ada.person);
  for (const { token } of [ben, cleo]) {
    const headers = { ...cookie(forged(token)), "sec-fetch-site": "same-origin" };
    for (const action of ["mute", "like"]) {
      expect(await outcome(await ask("PUT", `/v1/posts/${id}/${action}`, { headers }))).toBe("401 not_signed_in");
    }
  }
});

it("tells nothing about a page while the session cannot be checked", async () => {
  const ada = await signUp();
  await publish(ada);
  const down: Env = { ...withFaults(env, { primary: "throws" }).env, SESSION_CHECKS: "primary" };
  const response = await ask("GET", "/v1/feed", { token: ada.token, env: down });
  for (const name of ["etag", "server-timing", "consistency-token"]) expect(response.headers.get(name)).toBeNull();
  expect(await outcome(response)).toBe("503 unavailable");
});
