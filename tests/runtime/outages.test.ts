import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PersonCard } from "../../schema/api/people.ts";
import type { CommentPage, Post, PostPage } from "../../schema/api/posts.ts";
import type { PostId, SessionId } from "../../schema/ids.ts";
import { d1Of } from "./stores/d1.ts";
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

const me = async (token: string) => (await ask("GET", "/v1/me", { token })).json<PersonCard>();

/** Returns status and body of a response. */
const contentOf = async (response: Response) => ({ status: response.status, body: await response.json<object>() });

describe.skipIf(env.SHARDS !== "DB").each(FAULTS.map((fault) => [named(fault), fault] as const))(
  "when D1 %s",
  (_, fault) => {
    it("serves reads as stale, accepts likes and comments, and recovers", async () => {
      const faults: Faults = {};
      const faulty = withFaults(env, faults);
      const { ben, post, paths } = await scene(faulty.env);
      const asBen = { token: ben.token, env: faulty.env };
      faults.reads = fault;
      faults.writes = fault;

      for (const path of paths) {
        const response = await ask("GET", path, asBen);
        expect([response.status, response.headers.get("retry-after")], path).toEqual([200, null]);
        if (typeof fault === "string") expect(response.headers.get("cache-status"), path).toContain("stale");
      }
      const feed = await (await ask("GET", "/v1/feed", asBen)).json<PostPage>();
      expect(feed.items.map(({ id }) => id)).toEqual([post]);

      const liked = await ask("PUT", `/v1/posts/${post}/like`, asBen);
      expect(await contentOf(liked)).toMatchObject({ status: 200, body: { liked: true, likes: 1 } });
      const commented = await ask("POST", `/v1/posts/${post}/comments`, { ...asBen, body: { text: "Still here" } });
      expect(await contentOf(commented)).toMatchObject({ status: 201, body: { text: "Still here" } });
      expect(faulty.failed()).toBeGreaterThan(0);

      delete faults.reads;
      delete faults.writes;
      await flush(env.POSTS.getByName(post));
      await project(env, queues.facts.splice(0));
      await vi.waitFor(
        async () => {
          const response = await ask("GET", `/v1/posts/${post}`, asBen);
          expect(response.headers.get("cache-status")).toBeNull();
          expect(await response.json()).toMatchObject({ likes: 1, comments: 2, likedByMe: true });
        },
        { timeout: 10_000 },
      );
    });
  },
);

it("responds 503 for an unknown session while D1 is down", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const ada = await signUp();
  faults.reads = "throws";
  const response = await ask("GET", "/v1/feed", { token: ada.token, env: faulty.env });
  expect(await outcome(response)).toBe("503 unavailable");
  expect(response.headers.get("retry-after")).toBe("1");
});

it("accepts a session from its copy in KV while D1 is down, until the session ends", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const handle = `copy_${crypto.randomUUID().slice(0, 8)}`;
  const signedUp = await ask("POST", "/v1/people", { body: { handle, password: "correct horse battery" } });
  const { token } = await signedUp.json<{ token: string }>();
  const author = await signUp();
  const { id: post } = await publish(author);
  faults.reads = "throws";
  faults.writes = "throws";
  const like = () => ask("PUT", `/v1/posts/${post}/like`, { token, env: faulty.env });
  expect((await like()).status).toBe(200);
  expect(await outcome(await ask("DELETE", "/v1/sessions/current", { token, env: faulty.env }))).toBe(
    "503 unavailable",
  );
  delete faults.reads;
  delete faults.writes;
  expect((await ask("DELETE", "/v1/sessions/current", { token, env: faulty.env })).status).toBe(204);
  faults.reads = "throws";
  expect(await outcome(await like())).toBe("503 unavailable");
  delete faults.reads;
  expect(await outcome(await like())).toBe("401 not_signed_in");
});

it("enforces a block while D1 is down, even one that is newer than the copy of the session", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const { ada, ben, post } = await scene(faulty.env);
  expect((await ask("PUT", `/v1/people/${ben.person.handle}/block`, { token: ada.token })).status).toBe(200);
  faults.reads = "throws";
  const response = await ask("PUT", `/v1/posts/${post}/like`, { token: ben.token, env: faulty.env });
  expect(await outcome(response)).toBe("503 unavailable");
});

it("shows no response that was kept for a viewer before a block", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const { ada, ben, post, paths } = await scene(faulty.env);
  const read = (path: string) => ask("GET", path, { token: ben.token, env: faulty.env });
  const all = [...paths, `/v1/posts/${post}`];
  for (const path of all) expect((await read(path)).status, path).toBe(200);
  expect((await ask("PUT", `/v1/people/${ben.person.handle}/block`, { token: ada.token })).status).toBe(200);
  faults.reads = "throws";
  for (const path of all) expect(await outcome(await read(path)), path).toBe("503 unavailable");
});

// The map of several databases expires within that minute, so this runs with one.
it.skipIf(env.SHARDS !== "DB")("rejects a session that ended elsewhere more than a minute ago", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const { token } = await signUp();
  const id = token.slice(0, 13) as SessionId;
  const author = await signUp();
  const { id: post } = await publish(author);
  const like = () => ask("PUT", `/v1/posts/${post}/like`, { token, env: faulty.env });
  expect((await like()).status).toBe(200);
  await d1Of(env, id).prepare("DELETE FROM sessions WHERE id = ?").bind(id).run();
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
  try {
    faults.reads = "throws";
    expect(await outcome(await like())).toBe("503 unavailable");
  } finally {
    vi.useRealTimers();
  }
});

it.skipIf(env.SHARDS !== "DB")("shows a person's present name, not the one from when their session began", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const handle = `named_${crypto.randomUUID().slice(0, 8)}`;
  const signedUp = await ask("POST", "/v1/people", {
    body: { handle, password: "correct horse battery", name: "Before" },
  });
  const { token } = await signedUp.json<{ token: string }>();
  expect((await ask("PATCH", "/v1/me", { token, body: { name: "After" } })).status).toBe(200);
  const { id: post } = await publish({ person: { id: (await me(token)).id, handle, name: "After" }, token });
  const shownName = async (options: object) =>
    (await (await ask("GET", `/v1/posts/${post}`, options)).json<Post>()).author.name;
  expect(await shownName({})).toBe("After");
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
  try {
    faults.reads = "throws";
    expect((await ask("PUT", `/v1/posts/${post}/like`, { token, env: faulty.env })).status).toBe(200);
    expect(await shownName({ env: faulty.env })).toBe("After");
  } finally {
    vi.useRealTimers();
  }
});

it("shows all comments even if D1 fails for just a moment", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const ada = await signUp();
  const { id: post } = await publish(ada);
  await comment(ada, post, "First");
  await flush(env.POSTS.getByName(post));
  await project(env, queues.facts.splice(0));
  const read = (from: Env) => ask("GET", `/v1/posts/${post}/comments`, { env: from });
  const before = await (await read(faulty.env)).json<CommentPage>();
  expect(before.items.map(({ text }) => text)).toEqual(["First"]);

  // D1 recovers as soon as the actor is asked for the post's standing.
  const healing = new Proxy(env.POSTS, {
    get: (target, name) => {
      if (name !== "getByName") return Reflect.get(target, name) as unknown;
      return (id: string) => {
        const actor = target.getByName(id);
        return new Proxy(actor, {
          get: (stub, method) => {
            delete faults.reads;
            const value: unknown = Reflect.get(stub, method);
            return typeof value === "function"
              ? (...args: unknown[]) => Reflect.apply(value, stub, args) as unknown
              : value;
          },
        });
      };
    },
  });
  vi.useFakeTimers({ now: Date.now() + 2000, toFake: ["Date"] });
  try {
    faults.reads = "throws";
    const after = await read({ ...faulty.env, POSTS: healing });
    expect(await after.json()).toEqual(before);
    expect(faulty.failed()).toBeGreaterThan(0);
  } finally {
    vi.useRealTimers();
  }
});

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
    faults.reads = "hangs";
    const response = await ask("PUT", `/v1/posts/${post}/like`, { token: ben.token, env: faulty.env });
    expect(response.status).toBe(200);
  } finally {
    vi.useRealTimers();
  }
});
