import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PostPage } from "../../schema/api/posts.ts";
import type { PostId } from "../../schema/ids.ts";
import { comment, publish, type Someone } from "./world/api.ts";
import { flush, recordQueues } from "./queues/facts.ts";
import { type Fault, type Faults, withFaults } from "./stores/faults.ts";
import { ask, outcome, signUp } from "./world/people.ts";
import { writeFollow } from "./world/posts.ts";
import { fanOut } from "../../workers/feeds/fan-out.ts";
import { project } from "../../workers/projector/projector.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

// These tests wait a lot, and the number of databases makes no difference, so they run with one.
const FAULTS: Fault[] = ["throws", "hangs", { delay: 300 }];
const named = (fault: Fault) => (typeof fault === "string" ? fault : `takes ${fault.delay} ms`);

/**
 * Makes Ada, who has published a post, and Ben, who follows her and has read his feed, the post's comments and her
 * profile.
 */
async function scene(faulty: Env): Promise<{ ada: Someone; ben: Someone; post: PostId; paths: string[] }> {
  const [ada, ben] = [await signUp(), await signUp()];
  await writeFollow(ben.person.id, ada.person.id);
  const { id: post } = await publish(ada);
  await comment(ada, post, "First");
  await flush(env.POSTS.getByName(post));
  await project(env, queues.facts.splice(0));
  await fanOut(env, { post, author: ada.person.id });
  const paths = ["/v1/feed", `/v1/posts/${post}/comments`, `/v1/people/${ada.person.handle}`];
  for (const path of paths) {
    const response = await ask("GET", path, { token: ben.token, env: faulty });
    expect(response.status, path).toBe(200);
  }
  return { ada, ben, post, paths };
}

describe.skipIf(env.SHARDS !== "DB").each(FAULTS.map((fault) => [named(fault), fault] as const))(
  "when the primary of D1 %s",
  (_, fault) => {
    it("serves reads from replicas as usual, accepts likes and comments, and recovers", async () => {
      const faults: Faults = {};
      const faulty = withFaults(env, faults);
      const { ben, post, paths } = await scene(faulty.env);
      const asBen = { token: ben.token, env: faulty.env };
      faults.primary = fault;

      for (const path of [...paths, `/v1/posts/${post}`, "/v1/me", "/v1/notifications"]) {
        const response = await ask("GET", path, asBen);
        expect([response.status, response.headers.get("cache-status")], path).toEqual([200, null]);
      }
      const feed = await (await ask("GET", "/v1/feed", asBen)).json<PostPage>();
      expect(feed.items.map(({ id }) => id)).toEqual([post]);
      expect(faulty.failed()).toBe(0);

      const liked = await ask("PUT", `/v1/posts/${post}/like`, asBen);
      expect(await contentOf(liked)).toMatchObject({ status: 200, body: { liked: true, likes: 1 } });
      const commented = await ask("POST", `/v1/posts/${post}/comments`, { ...asBen, body: { text: "Still here" } });
      expect(await contentOf(commented)).toMatchObject({ status: 201, body: { text: "Still here" } });
      if (typeof fault === "string") {
        const edited = ask("PATCH", "/v1/me", { ...asBen, body: { name: "Ben" } });
        expect(await outcome(await edited)).toBe("503 unavailable");
      }

      delete faults.primary;
      await flush(env.POSTS.getByName(post));
      await project(env, queues.facts.splice(0));
      await vi.waitFor(
        async () => {
          const response = await ask("GET", `/v1/posts/${post}`, asBen);
          expect(await response.json()).toMatchObject({ likes: 1, comments: 2, likedByMe: true });
          expect((await ask("PATCH", "/v1/me", { ...asBen, body: { name: "Ben" } })).status).toBe(200);
        },
        { timeout: 10_000 },
      );
    });
  },
);

it.each(["throws", "hangs"] as const)("refuses signed-in viewers when every copy of D1 %s", async (fault) => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const { ben, post } = await scene(faulty.env);
  faults.reads = fault;
  for (const [method, path] of [
    ["GET", "/v1/feed"],
    ["PUT", `/v1/posts/${post}/like`],
  ] as const) {
    const response = await ask(method, path, { token: ben.token, env: faulty.env });
    expect(await outcome(response)).toBe("503 unavailable");
    expect(response.headers.get("retry-after")).toBe("1");
  }
  delete faults.reads;
  await vi.waitFor(
    async () => expect((await ask("GET", "/v1/feed", { token: ben.token, env: faulty.env })).status).toBe(200),
    { timeout: 10_000 },
  );
});

/** Returns status and body of a response. */
const contentOf = async (response: Response) => ({ status: response.status, body: await response.json<object>() });

it.skipIf(env.SHARDS !== "DB")("responds 503 when D1 hangs on a write", { timeout: 25_000 }, async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const ada = await signUp();
  const { id: post } = await publish(ada);
  const ben = await signUp();
  faults.writes = "hangs";
  const asAda = { token: ada.token, env: faulty.env };
  const writes = [
    ["PATCH", "/v1/me", { name: "Ada" }],
    ["PUT", `/v1/people/${ben.person.handle}/follow`],
    ["PUT", `/v1/people/${ben.person.handle}/block`],
    ["POST", "/v1/notifications/read", { upTo: new Date().toISOString() }],
    ["DELETE", "/v1/sessions/current"],
  ] as const;
  const refused = writes.map(async ([method, path, body]) => [
    path,
    await outcome(await ask(method, path, { ...asAda, body })),
  ]);
  expect(await Promise.all(refused)).toEqual(writes.map(([, path]) => [path, "503 unavailable"]));
  expect((await ask("DELETE", `/v1/posts/${post}`, asAda)).status).toBe(204);
  faults.reads = "hangs";
  const known = { handle: ben.person.handle, password: "correct horse battery" };
  expect(await outcome(await ask("POST", "/v1/sessions", { body: known, env: faulty.env }))).toBe("503 unavailable");
});

describe.skipIf(env.SHARDS !== "DB").each(FAULTS.map((fault) => [named(fault), fault] as const))(
  "when KV %s",
  (_, fault) => {
    it("serves everything as usual", async () => {
      const faulty = withFaults(env, { kv: fault });
      const { ben, post, paths } = await scene(faulty.env);
      const asBen = { token: ben.token, env: faulty.env };
      expect((await ask("PUT", `/v1/posts/${post}/like`, asBen)).status).toBe(200);
      for (const path of paths) expect((await ask("GET", path, asBen)).headers.get("cache-status")).toBeNull();
      expect(faulty.failed()).toBeGreaterThan(0);
    });
  },
);

describe.skipIf(env.SHARDS !== "DB").each(FAULTS.map((fault) => [named(fault), fault] as const))(
  "when every queue %s",
  (_, fault) => {
    it("acknowledges writes that have effects", async () => {
      const faulty = withFaults(env, { queues: fault });
      const [ada, ben] = [await signUp(), await signUp()];
      const asBen = { token: ben.token, env: faulty.env };
      const followed = await ask("PUT", `/v1/people/${ada.person.handle}/follow`, asBen);
      expect(followed.status).toBe(200);
      const { id: post } = await publish(ada);
      expect((await ask("DELETE", `/v1/posts/${post}`, { token: ada.token, env: faulty.env })).status).toBe(204);
      expect(faulty.failed()).toBeGreaterThan(0);
    });
  },
);

it.skipIf(env.SHARDS === "DB")("responds while the shard map cannot be read", { timeout: 10_000 }, async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const { ben, post } = await scene(faulty.env);
  vi.useFakeTimers({ now: Date.now() + 6000, toFake: ["Date"] });
  try {
    faults.primary = "hangs";
    const response = await ask("PUT", `/v1/posts/${post}/like`, { token: ben.token, env: faulty.env });
    expect(response.status).toBe(200);
  } finally {
    vi.useRealTimers();
  }
});
