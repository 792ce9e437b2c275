import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Profile } from "../../schema/api/people.ts";
import type { CommentPage, PostPage } from "../../schema/api/posts.ts";
import { comment, publish, type Someone, succeed, tokenOf } from "../../tests/runtime/world/api.ts";
import { connect, hangUp } from "../../tests/runtime/live/live.ts";
import { flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { ask, outcome, signUp } from "../../tests/runtime/world/people.ts";
import { writeFollow } from "../../tests/runtime/world/posts.ts";
import { LaggingDatabase } from "../../tests/runtime/stores/replicas.ts";
import { fanOut } from "../feeds/fan-out.ts";
import { project } from "../projector/projector.ts";

const { DB_1: REPLICA, TEST_MIGRATIONS } = env as unknown as { DB_1: D1Database; TEST_MIGRATIONS: D1Migration[] };

// With one database, the second one is free to serve as its replica.
describe.skipIf(env.SHARDS !== "DB")("with a replica that lags", () => {
  let database: LaggingDatabase;
  let lagging: Env;
  let queues: ReturnType<typeof recordQueues>;
  let ada: Someone;
  beforeAll(() => applyD1Migrations(REPLICA, TEST_MIGRATIONS));
  beforeEach(async () => {
    queues = recordQueues();
    ada = await signUp();
    database = new LaggingDatabase(env.DB, REPLICA);
    lagging = { ...env, DB: database.binding };
    await database.catchUp();
  });
  afterEach(() => {
    hangUp();
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  const as = (who: Someone, headers = {}) => ({ token: who.token, headers, env: lagging });
  const profile = async (who: Someone, headers = {}) =>
    (await ask("GET", `/v1/people/${ada.person.handle}`, as(who, headers))).json<Profile>();

  it("serves readers from the replica, and own writes from the primary until the replica has them", async () => {
    const changed = await ask("PATCH", "/v1/me", { ...as(ada), body: { bio: "Tides" } });
    expect((await profile(ada)).bio).toBe("");
    expect((await profile(ada, tokenOf(changed))).bio).toBe("Tides");
    await database.catchUp();
    const { primary } = database.served;
    expect((await profile(ada, tokenOf(changed))).bio).toBe("Tides");
    expect(database.served.primary - primary).toBe(0);
  });

  it("shows an author their new post among their posts", async () => {
    const body = { caption: "Low tide", media: [{ id: (await publish(ada)).media[0]?.id }] };
    await database.catchUp();
    const published = await ask("POST", "/v1/posts", { ...as(ada), body });
    const path = `/v1/people/${ada.person.handle}/posts`;
    const ids = async (headers = {}) =>
      (await (await ask("GET", path, as(ada, headers))).json<PostPage>()).items.map(({ id }) => id);
    const { id } = await published.json<{ id: string }>();
    expect(await ids()).not.toContain(id);
    expect(await ids(tokenOf(published))).toContain(id);
  });

  it("never shows a viewer anything older than they have seen", async () => {
    const ben = await signUp();
    const { id: post } = await publish(ada);
    await database.catchUp();
    await comment(ada, post, "First");
    await flush(env.POSTS.getByName(post));
    await project(lagging, queues.facts.splice(0));
    const texts = async (headers = {}) => {
      const elsewhere = { ...env, DB: database.binding }; // An isolate that has not read this database before.
      const response = await ask("GET", `/v1/posts/${post}/comments`, { token: ben.token, headers, env: elsewhere });
      return { texts: (await response.json<CommentPage>()).items.map(({ text }) => text), token: tokenOf(response) };
    };
    database.nearest = "primary";
    const seen = await texts();
    expect(seen.texts).toEqual(["First"]);
    database.nearest = "replica";
    expect((await texts(seen.token)).texts).toEqual(["First"]);
    expect((await texts()).texts).toEqual([]); // Without a token, an older state may be shown.
  });

  it("shows posts in a feed that the replica does not have yet", async () => {
    const ben = await signUp();
    await writeFollow(ben.person.id, ada.person.id);
    const { id } = await publish(ada);
    await fanOut(lagging, { post: id, author: ada.person.id });
    await database.catchUp();
    for (const [table, key] of [
      ["posts", "id"],
      ["post_stats", "post"],
    ]) {
      await REPLICA.prepare(`DELETE FROM ${table} WHERE ${key} = ?`).bind(id).run();
    }
    const feed = await (await ask("GET", "/v1/feed", as(ben))).json<PostPage>();
    expect(feed.items.map((post) => post.id)).toEqual([id]);
  });

  it("finds a person who has just signed up, and responds 404 for a handle that does not exist", async () => {
    const cleo = await signUp();
    const found = await ask("GET", `/v1/people/${cleo.person.handle}`, as(ada));
    expect(await found.json()).toMatchObject(cleo.person);
    expect((await ask("GET", "/v1/people/nobody_at_all", as(ada))).status).toBe(404);
  });

  it("refuses a session that ended elsewhere once the replica has its end, or at once if checked at the primary", async () => {
    const asked = (from: Env) => ask("GET", "/v1/me", { token: ada.token, env: from });
    const strict = { ...lagging, SESSION_CHECKS: "primary" };
    await env.DB.prepare("DELETE FROM sessions WHERE person = ?").bind(ada.person.id).run(); // As in another isolate.
    expect((await asked(lagging)).status).toBe(200);
    expect((await asked(strict)).status).toBe(401);
    await database.catchUp();
    expect((await asked(lagging)).status).toBe(401);
  });

  it("refuses a session at once in the isolate that ended it", async () => {
    const request = { token: ada.token, env: lagging };
    expect((await ask("DELETE", "/v1/sessions/current", request)).status).toBe(204);
    expect((await ask("GET", "/v1/me", request)).status).toBe(401);
  });

  it("finds a session that the replica does not have yet", async () => {
    const cleo = await signUp();
    expect((await ask("GET", "/v1/me", as(cleo))).status).toBe(200);
  });

  it("serves the feed of a person who has just signed up", async () => {
    const cleo = await signUp();
    const feed = await ask("GET", "/v1/feed", as(cleo));
    expect([feed.status, (await feed.json<PostPage>()).items]).toEqual([200, []]);
  });

  it("does not name those who like a post after it was hidden from the viewer", async () => {
    const [ben, cleo] = [await signUp(), await signUp()];
    await writeFollow(cleo.person.id, ada.person.id);
    const { id: post } = await publish(ada);
    await database.catchUp();
    expect((await ask("PATCH", "/v1/me", { ...as(ada), body: { private: true } })).status).toBe(200);
    await succeed("PUT", `/v1/posts/${post}/like`, cleo);
    expect(await outcome(await ask("GET", `/v1/posts/${post}/likes`, as(ben)))).toBe("404 post_not_found");
  });

  it("hides comments that only the primary has, of people who had blocked the viewer before", async () => {
    const [ben, cleo] = [await signUp(), await signUp()];
    await database.catchUp();
    expect((await ask("PUT", `/v1/people/${ben.person.handle}/block`, as(cleo))).status).toBe(200);
    const { id: post } = await publish(ada);
    await comment(ada, post, "Mine");
    await comment(cleo, post, "Not for Ben");
    await flush(env.POSTS.getByName(post));
    await project(lagging, queues.facts.splice(0));
    const page = await (await ask("GET", `/v1/posts/${post}/comments`, as(ben))).json<CommentPage>();
    expect(page.items.map(({ text }) => text)).toEqual(["Mine"]);
  });

  it("asks the primary before the first frame of a live socket", async () => {
    const ben = await signUp();
    await database.catchUp();
    expect((await ask("PUT", `/v1/people/${ben.person.handle}/block`, as(ada))).status).toBe(200);
    const { id: post } = await publish(ada);
    const client = (await connect({ token: ben.token, env: lagging })).watch(post);
    await vi.waitFor(() => expect(client.frames).toMatchObject([{ post, deleted: true }]), { timeout: 8000 });
  });

  it("tells a live socket nothing after its session has ended elsewhere", async () => {
    const [, session] = ada.token.split(".");
    await env.DB.prepare("DELETE FROM sessions WHERE id = ?").bind(session).run();
    const client = await connect({ token: ada.token, env: lagging });
    expect(await client.closed).toBe(4401);
    expect(client.told).toEqual([]);
  });

  it("serves a request with a forged bookmark", async () => {
    const forged = btoa(
      JSON.stringify({ posts: [], databases: [["DB", `${"f".repeat(8)}-00000000-00000000-${"f".repeat(32)}`]] }),
    );
    for (const token of [forged, btoa(JSON.stringify({ posts: [], databases: [["DB", "; DROP"]] }))]) {
      expect(await profile(ada, { "Consistency-Token": token })).toMatchObject(ada.person);
    }
    expect(await profile(ada)).toMatchObject(ada.person); // Other requests are not affected.
  });
});
