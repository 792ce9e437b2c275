import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Profile } from "../../schema/api/people.ts";
import type { Post } from "../../schema/api/posts.ts";
import type { PostId } from "../../schema/ids.ts";
import { publish, type Someone } from "../../tests/runtime/world/api.ts";
import { d1Costs } from "../../tests/runtime/stores/d1-costs.ts";
import { type Faults, withFaults } from "../../tests/runtime/stores/faults.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { ask, HOST, signUp } from "../../tests/runtime/world/people.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { app } from "../app.ts";

beforeEach(() => {
  recordQueues();
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const asAnybody = { asAnybody: true };
const read = (post: PostId, headers = {}, from = env) =>
  ask("GET", `/v1/posts/${post}`, { asAnybody: true, headers, env: from });
const captionOf = async (response: Response) => (await response.json<Post>()).caption;

/** Changes a caption as a projector in another isolate would. */
const recaptionElsewhere = async (post: PostId, caption: string) => {
  const database = d1Of(env, post);
  await database.batch([
    database.prepare("UPDATE posts SET caption = ?, seq = seq + 1 WHERE id = ?").bind(caption, post),
    database
      .prepare("UPDATE post_stats SET seq = seq + 1, body_seq = seq + 1, projected = seq + 1 WHERE post = ?")
      .bind(post),
  ]);
};

let ada: Someone;
let post: PostId;
beforeEach(async () => {
  ada = await signUp();
  post = (await publish(ada)).id;
  later(1); // A response rendered in the same millisecond as a change may predate it, and is not cached.
});

describe("a public response", () => {
  it("is rendered once in two seconds, and costs no D1 query until then", async () => {
    expect(await captionOf(await read(post))).toBe("Low tide");
    await recaptionElsewhere(post, "Ebb");
    const { queries } = await d1Costs(async () => {
      for (let n = 0; n < 20; n += 1) expect(await captionOf(await read(post))).toBe("Low tide");
    });
    expect(queries).toEqual([]);
  });

  it("is at most four seconds old, and is renewed in the background after two", async () => {
    await read(post);
    await recaptionElsewhere(post, "Ebb");
    later(2500);
    expect(await captionOf(await read(post))).toBe("Low tide"); // This read also renews it.
    expect(await captionOf(await read(post))).toBe("Ebb");
    await recaptionElsewhere(post, "Flood");
    later(4001);
    expect(await captionOf(await read(post))).toBe("Flood");
  });

  it("shows a change made in this isolate at once", async () => {
    await read(post);
    await ask("PATCH", `/v1/posts/${post}`, { token: ada.token, body: { caption: "Ebb" } });
    expect(await captionOf(await read(post))).toBe("Ebb");
    await ask("DELETE", `/v1/posts/${post}`, { token: ada.token });
    expect((await read(post)).status).toBe(404);
  });

  it("has an ETag, and is 304 for a client that already has it", async () => {
    const first = await read(post);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]+"$/);
    expect(first.headers.get("cache-control")).toContain("stale-while-revalidate");
    expect(first.headers.get("vary")).toBe("Authorization, Cookie, Consistency-Token");
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await read(post, { "if-none-match": known });
      expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
    }
    expect((await read(post, { "if-none-match": '"other"' })).status).toBe(200);
    await ask("PATCH", `/v1/posts/${post}`, { token: ada.token, body: { caption: "Ebb" } });
    expect((await read(post, { "if-none-match": etag })).status).toBe(200);
  });

  it("is not served to a signed-in viewer or with a consistency token", async () => {
    await read(post);
    await recaptionElsewhere(post, "Ebb");
    later(1001); // The counts are outdated now; the public response would still be fresh.
    const cookie = { headers: { cookie: `__Host-session=${ada.token}` }, asAnybody: true };
    for (const asked of [{ token: ada.token }, cookie, { headers: { "consistency-token": "x" } }]) {
      const response = await ask("GET", `/v1/posts/${post}`, asked);
      expect(await captionOf(response)).toBe("Ebb");
      expect(response.headers.get("cache-control")).toMatch(/^private/);
    }
  });

  it("names the store that served it", async () => {
    expect((await read(post)).headers.get("server-timing")).toMatch(/d1;dur=\d+;desc="\d+"/);
    later(500);
    expect((await read(post)).headers.get("server-timing")).toBe("memory");
  });

  it("exists for a person, their posts and comments too", async () => {
    const { handle } = ada.person;
    for (const path of [`people/${handle}`, `people/${handle}/posts`, `posts/${post}/comments?limit=5`]) {
      const answer = async () => (await ask("GET", `/v1/${path}`, asAnybody)).text();
      const first = await answer();
      const { queries } = await d1Costs(async () => {
        expect(await answer()).toBe(first);
      });
      expect(queries).toEqual([]);
    }
  });
});

it("serves 500 concurrent readers of a cold post with two D1 queries", async () => {
  const unread = (await publish(ada)).id;
  const { queries } = await d1Costs(async () => {
    const contexts = Array.from({ length: 500 }, () => createExecutionContext());
    const answers = await Promise.all(
      contexts.map(async (context) => app.fetch(new Request(`${HOST}/v1/posts/${unread}`), env, context)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const texts = new Set(await Promise.all(answers.map((answer) => answer.text())));
    expect(texts.size).toBe(1);
    await Promise.all(contexts.map((context) => waitOnExecutionContext(context)));
  });
  expect(queries.length).toBeLessThanOrEqual(2);
});

describe("while the databases are down", () => {
  for (const fault of ["throws", "hangs"] as const) {
    it(`serves the last response marked as stale when D1 ${fault}, and recovers`, async () => {
      const faults: Faults = {};
      const faulty = withFaults(env, faults);
      const profile = () => ask("GET", `/v1/people/${ada.person.handle}`, { asAnybody: true, env: faulty.env });
      const nameIn = async (response: Response) => (await response.json<Profile>()).name;
      const before = await nameIn(await profile());
      await ask("PATCH", "/v1/me", { token: ada.token, body: { name: "Ada the second" } });
      later(3_600_000);
      faults.reads = fault;
      const stale = await profile();
      expect(await nameIn(stale)).toBe(before);
      expect(stale.headers.get("cache-status")).toBe("Shutterline; hit; detail=stale");
      expect(stale.headers.get("age")).toBe("3600");
      expect(faulty.failed()).toBeGreaterThan(0);
      delete faults.reads;
      later(1500);
      const healed = await profile();
      expect([await nameIn(healed), healed.headers.get("cache-status")]).toEqual(["Ada the second", null]);
    });
  }

  it("does not serve a post that was already found to be deleted", async () => {
    const faults: Faults = {};
    const faulty = withFaults(env, faults);
    expect((await read(post, {}, faulty.env)).status).toBe(200);
    // As another isolate does.
    await env.POSTS.getByName(post).remove(ada.person.id);
    const database = d1Of(env, post);
    await database.batch([
      database.prepare("DELETE FROM posts WHERE id = ?").bind(post),
      database
        .prepare("UPDATE post_stats SET deleted = 1, seq = seq + 1, body_seq = seq + 1 WHERE post = ?")
        .bind(post),
    ]);
    later(11_000);
    expect((await read(post, {}, faulty.env)).status).toBe(404);
    later(2000);
    faults.reads = "throws";
    expect((await read(post, {}, faulty.env)).status).toBe(404);
  });
});
