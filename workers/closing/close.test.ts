/** What is left of a person with every kind of relation after they have closed their account: nothing but the tombstones. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Closings } from "../../schema/api/closings.ts";
import { type MediaId, newId, shardOf } from "../../schema/ids.ts";
import { renditionKey } from "../media/files/objects.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { allD1, d1Of } from "../../tests/runtime/stores/d1.ts";
import { operate } from "../../tests/runtime/world/dead-letters.ts";
import { ask, outcome, signUp } from "../../tests/runtime/world/people.ts";
import {
  actorRowsWith,
  documentsWith,
  objectsWith,
  PASSWORD,
  rowsWith,
  signUpWithPassword,
  Stage,
  storedFile,
  uploadsWithStorage,
} from "../../tests/runtime/closing/world.ts";

let stage: Stage;
beforeEach(() => {
  stage = new Stage(recordQueues());
});
afterEach(() => {
  vi.restoreAllMocks();
});

const person = (path: string, { person: { handle } }: { person: { handle: string } }) => `/v1/people/${handle}/${path}`;

async function everyRelation() {
  const gone = await signUpWithPassword();
  const [fan, idol, reader, priv, enemy] = [
    await signUp(),
    await signUp(),
    await signUp(),
    await signUp(),
    await signUp(),
  ];
  const put = (by: typeof fan, path: string, body?: unknown) => stage.ask(by, "PUT", path, body);
  await stage.ask(priv, "PATCH", "/v1/me", { private: true });
  await put(fan, person("follow", gone));
  await put(reader, person("follow", gone));
  await put(gone, person("follow", idol));
  await put(fan, person("follow", idol));
  await put(gone, person("follow", fan));
  await put(gone, person("follow", priv));
  await stage.settle();
  await put(fan, person("bell", gone));
  await put(gone, person("bell", idol));
  await put(gone, person("mute", reader));
  await put(enemy, person("mute", gone));
  await put(gone, person("block", enemy));
  const { person: other } = enemy;
  await stage.settle();

  const { handle } = gone.person;
  const own = await stage.publish(gone, `With @${fan.person.handle}`, { "Idempotency-Key": crypto.randomUUID() });
  const theirs = await stage.publish(idol, `Nobody knows @${handle}`);
  await stage.settle();
  await put(fan, `/v1/posts/${own}/like`);
  const asked = await stage.comment(fan, own, "Where is that?");
  await stage.comment(gone, own, "At home", asked);
  await put(gone, `/v1/comments/${asked}/like`).catch(() => undefined);
  await put(gone, `/v1/posts/${theirs}/like`);
  await put(fan, `/v1/posts/${theirs}/like`);
  const first = await stage.comment(fan, theirs, "First");
  const spoken = await stage.comment(gone, theirs, `Look @${reader.person.handle}`);
  await stage.comment(fan, theirs, "I look", spoken);
  const answered = await stage.comment(gone, theirs, "Second", first);
  await stage.comment(fan, theirs, `Third, @${handle}`, answered);
  await put(gone, `/v1/posts/${theirs}/comments/${first}/like`);
  await put(fan, `/v1/posts/${theirs}/comments/${first}/like`);
  await put(gone, `/v1/me/quiet-hours`, { from: "22:00", to: "07:00", timeZone: "UTC" }).catch(() => undefined);
  await stage.settle();

  const [unused, picture] = [await storedFile(gone.person.id), await storedFile(gone.person.id)];
  await env.MEDIA.put(renditionKey(picture, "s96"), "a square");
  const upload = await ask("POST", "/v1/uploads", {
    token: gone.token,
    env: stage.env,
    headers: { "Tus-Resumable": "1.0.0", "Upload-Length": "1000" },
  });
  const uploading = (upload.headers.get("location") ?? "").split("/").at(-1) as MediaId;
  const database = d1Of(env, gone.person.id);
  const id = gone.person.id;
  await database.batch([
    database.prepare("UPDATE people SET picture = ? WHERE id = ?").bind(picture, id),
    database.prepare("INSERT INTO live_places VALUES (?, 'wnam-0', ?)").bind(id, Date.now() - 1),
    database.prepare("INSERT INTO muted_posts VALUES (?, ?)").bind(id, theirs),
    database.prepare("INSERT OR IGNORE INTO quiet_hours VALUES (?, 1, 2, 'UTC')").bind(id),
    database.prepare("INSERT INTO notification_preferences VALUES (?, 'like', 'nobody', 0)").bind(id),
    database
      .prepare("INSERT INTO push_subscriptions VALUES (?, 'https://push.example/1', 'p', 'a', ?, 1, NULL)")
      .bind(id, gone.token.split(".")[1] ?? ""),
  ]);
  // An effect that nobody needs any more, and that cron would repeat in an hour only.
  await database
    .prepare("INSERT INTO effects (id, body, due_at) VALUES (?, json_object('kind', 'open', 'person', ?), 9e15)")
    .bind(newId(shardOf(id)), id)
    .run();
  await env.DB.prepare(
    "INSERT INTO dead_letters (queue, subject, attempts, deaths, replays, first_at, last_at, bytes, body) VALUES ('shutterline-effects', ?1, 6, 1, 0, 1, 1, 10, ?1)",
  )
    .bind(JSON.stringify({ about: id }))
    .run();
  await ask("GET", `/v1/people/${handle}`, { env: stage.env }); // Fills the caches.
  return { gone, fan, idol, reader, priv, enemy: other, own, theirs, unused, picture, uploading, first };
}

it("leaves nothing of a person with every kind of relation but the named tombstones", async () => {
  const world = await everyRelation();
  const { gone, fan, idol, own, theirs, unused, picture, uploading } = world;
  const { id, handle } = gone.person;
  const { results } = await d1Of(env, id)
    .prepare("SELECT id FROM media WHERE owner = ?")
    .bind(id)
    .all<{ id: MediaId }>();
  const files = results.map((file) => file.id);
  expect(files).toEqual(expect.arrayContaining([unused, picture, uploading]));
  const before = await rowsWith([id]);
  const tables = new Set(before.map((row) => row.split(":")[0]));
  // The world is only worth auditing while it has everything.
  for (const table of [
    "people credentials sessions following followers blocks mutes notifications notification_preferences quiet_hours",
    "muted_posts push_subscriptions live_places posts likes comments comment_likes feed media idempotency_keys",
    "dead_letters",
  ].flatMap((names) => names.split(" "))) {
    expect(tables, "tables that name the person").toContain(table);
  }
  const counted = await stage.ask<{ followers: number; following: number }>(
    fan,
    "GET",
    `/v1/people/${idol.person.handle}`,
  );
  expect(counted.followers).toBe(2);

  expect(
    (await ask("DELETE", "/v1/me", { token: gone.token, env: stage.env, body: { password: PASSWORD } })).status,
  ).toBe(204);
  await stage.settleWithCron();

  const left = await rowsWith([id]);
  expect(left.filter((row) => !/^(handles|closings|closed_people):/.test(row))).toEqual([]);
  // The words of others stay.
  const words = /^(handles|closings|posts|comments|notifications):/;
  expect((await rowsWith([handle])).filter((row) => !words.test(row))).toEqual([]);
  expect(await actorRowsWith(stage.posts, [id])).toEqual([]);
  expect(await objectsWith(files)).toEqual([]);
  expect(await documentsWith([id, handle])).toEqual([]);
  expect(await uploadsWithStorage(files)).toEqual([]);
  expect(await actorRowsWith([own], ["At home", "With @"])).toEqual([]);

  const post = await stage.ask<{ likes: number; comments: number }>(fan, "GET", `/v1/posts/${theirs}`);
  expect(post).toMatchObject({ likes: 1, comments: 2 }); // "First", and its reply "Third".
  const after = await stage.ask<{ followers: number }>(fan, "GET", `/v1/people/${idol.person.handle}`);
  expect(after.followers).toBe(1);
  const me = await stage.ask<{ followers: number; following: number }>(fan, "GET", `/v1/people/${fan.person.handle}`);
  expect(me).toMatchObject({ followers: 0, following: 1 });
  const audit = await stage.ask<{ verdict: string }>(fan, "GET", `/v1/posts/${theirs}/audit`);
  expect(audit.verdict).toBe("equal");

  const { items } = await (await operate("GET", "/closings")).json<Closings>();
  const proof = items.find((one) => one.person === id);
  expect(proof?.handle).toBe(handle);
  expect(proof?.erasedAt).not.toBeNull();
  expect(proof?.before).toMatchObject({ posts: 1, comments: 3, followers: 2, following: 3, blocks: 1, mutes: 2 });
  expect(new Set(Object.values(proof?.left ?? { none: 1 }))).toEqual(new Set([0]));
});

it("is as if the person did not exist, from the answer on", async () => {
  const { gone, fan, own, theirs, reader } = await everyRelation();
  const { handle } = gone.person;
  const refused = await ask("DELETE", "/v1/me", {
    token: gone.token,
    env: stage.env,
    body: { password: "wrong word" },
  });
  expect(await outcome(refused)).toBe("401 wrong_credentials");
  expect((await ask("GET", "/v1/me", { token: gone.token, env: stage.env })).status).toBe(200);
  await ask("GET", `/v1/posts/${own}`, { env: stage.env, asAnybody: true });

  const closed = await ask("DELETE", "/v1/me", { token: gone.token, env: stage.env, body: { password: PASSWORD } });
  expect(closed.status).toBe(204);

  expect(await outcome(await ask("GET", "/v1/me", { token: gone.token, env: stage.env }))).toBe("401 not_signed_in");
  const signIn = await ask("POST", "/v1/sessions", { env: stage.env, body: { handle, password: PASSWORD } });
  expect(await outcome(signIn)).toBe("401 wrong_credentials");
  const signUpAgain = await ask("POST", "/v1/people", { env: stage.env, body: { handle, password: PASSWORD } });
  expect(await outcome(signUpAgain)).toBe("409 handle_taken");
  for (const token of [undefined, fan.token, reader.token]) {
    const as = { env: stage.env, ...(token !== undefined && { token }) };
    for (const path of ["", "/posts", "/followers", "/following"]) {
      expect(await outcome(await ask("GET", `/v1/people/${handle}${path}`, as)), path).toBe("404 person_not_found");
    }
    for (const path of ["", "/comments", "/likes"]) {
      expect(await outcome(await ask("GET", `/v1/posts/${own}${path}`, as)), path).toBe("404 post_not_found");
    }
    const people = await (await ask("GET", "/v1/people?limit=50", as)).text();
    expect(people).not.toContain(handle);
  }
  const anonymous = await ask("GET", `/v1/posts/${own}`, { env: stage.env, asAnybody: true });
  expect(anonymous.status).toBe(404);
  for (const [method, path] of [
    ["PUT", person("follow", gone)],
    ["PUT", person("block", gone)],
    ["PUT", `/v1/posts/${own}/like`],
  ] as const) {
    expect((await ask(method, path, { env: stage.env, token: fan.token })).status, path).toBe(404);
  }
  expect((await (await ask("GET", "/v1/feed", { env: stage.env, token: fan.token })).text()).includes(own)).toBe(false);
  await stage.settleWithCron();
  expect((await ask("GET", `/v1/posts/${theirs}`, { env: stage.env, token: fan.token })).status).toBe(200);
});

it("lets the operator close an account, once", async () => {
  const gone = await signUp();
  const { handle } = gone.person;
  expect((await operate("POST", "/closings", { handle }, stage.env)).status).toBe(204);
  expect(await outcome(await operate("POST", "/closings", { handle }, stage.env))).toBe("404 person_not_found");
  expect((await ask("GET", "/v1/me", { token: gone.token, env: stage.env })).status).toBe(401);
  await stage.settleWithCron();
  for (const database of allD1(env)) {
    const row = await database.prepare("SELECT late FROM closed_people WHERE person = ?").bind(gone.person.id).first();
    expect(row).toEqual({ late: 0 });
  }
});
