import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PersonCard } from "../../schema/api/people.ts";
import type { CommentPage, Post, PostPage } from "../../schema/api/posts.ts";
import type { PostId, SessionId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { comment, publish, type Someone } from "./api.ts";
import { flush, recordQueues } from "./facts.ts";
import { type Fault, type Faults, withFaults } from "./faults.ts";
import { ask, outcome, signUp } from "./people.ts";
import { follows } from "./posts.ts";
import { fanOut } from "../../workers/feeds/fan-out.ts";
import { project } from "../../workers/projector/projector.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

// Waiting takes its time, and how many databases there are makes no difference to it.
const FAULTS: Fault[] = ["throws", "hangs", { delay: 300 }];
const named = (fault: Fault) => (typeof fault === "string" ? fault : `takes ${fault.delay} ms`);

/** Ben, who follows Ada and has read his feed, her post, its comments and her profile. */
async function scene(faulty: Env): Promise<{ ada: Someone; ben: Someone; post: PostId; paths: string[] }> {
  const [ada, ben] = [await signUp(), await signUp()];
  await follows(ben.person.id, ada.person.id);
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

/** Everything that is told of an answer but how it came to be. */
const told = async (response: Response) => ({ status: response.status, body: await response.json<object>() });

describe.skipIf(env.SHARDS !== "DB").each(FAULTS.map((fault) => [named(fault), fault] as const))(
  "when D1 %s",
  (_, fault) => {
    it("reads are what they were, and say so; likes and comments go on; all heals", async () => {
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
      expect(await told(liked)).toMatchObject({ status: 200, body: { liked: true, likes: 1 } });
      const commented = await ask("POST", `/v1/posts/${post}/comments`, { ...asBen, body: { text: "Still here" } });
      expect(await told(commented)).toMatchObject({ status: 201, body: { text: "Still here" } });
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

it("signs in nobody whom it does not know while D1 is down, and says why", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const ada = await signUp();
  faults.reads = "throws";
  const response = await ask("GET", "/v1/feed", { token: ada.token, env: faulty.env });
  expect(await outcome(response)).toBe("503 unavailable");
  expect(response.headers.get("retry-after")).toBe("1");
});

it("knows a session from its copy in KV while D1 is down, until it is ended", async () => {
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

it("lets nobody past a block while D1 is down, even one that is newer than what it knows of the session", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const { ada, ben, post } = await scene(faulty.env);
  expect((await ask("PUT", `/v1/people/${ben.person.handle}/block`, { token: ada.token })).status).toBe(200);
  faults.reads = "throws";
  const response = await ask("PUT", `/v1/posts/${post}/like`, { token: ben.token, env: faulty.env });
  expect(await outcome(response)).toBe("503 unavailable");
});

it("shows nobody what was kept for them before a block", async () => {
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

// Later than a map of several databases lasts.
it.skipIf(env.SHARDS !== "DB")(
  "lets nobody go on with a session that was ended elsewhere more than a minute ago",
  async () => {
    const faults: Faults = {};
    const faulty = withFaults(env, faults);
    const { token } = await signUp();
    const id = token.slice(0, 13) as SessionId;
    const author = await signUp();
    const { id: post } = await publish(author);
    const like = () => ask("PUT", `/v1/posts/${post}/like`, { token, env: faulty.env });
    expect((await like()).status).toBe(200);
    await databaseOf(env, id).prepare("DELETE FROM sessions WHERE id = ?").bind(id).run();
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
    try {
      faults.reads = "throws";
      expect(await outcome(await like())).toBe("503 unavailable");
    } finally {
      vi.useRealTimers();
    }
  },
);

it.skipIf(env.SHARDS !== "DB")("calls nobody by a name that they had when their session began", async () => {
  const faults: Faults = {};
  const faulty = withFaults(env, faults);
  const handle = `named_${crypto.randomUUID().slice(0, 8)}`;
  const signedUp = await ask("POST", "/v1/people", {
    body: { handle, password: "correct horse battery", name: "Before" },
  });
  const { token } = await signedUp.json<{ token: string }>();
  expect((await ask("PATCH", "/v1/me", { token, body: { name: "After" } })).status).toBe(200);
  const { id: post } = await publish({ person: { id: (await me(token)).id, handle, name: "After" }, token });
  const named = async (asked: object) =>
    (await (await ask("GET", `/v1/posts/${post}`, asked)).json<Post>()).author.name;
  expect(await named({})).toBe("After");
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
  try {
    faults.reads = "throws";
    expect((await ask("PUT", `/v1/posts/${post}/like`, { token, env: faulty.env })).status).toBe(200);
    expect(await named({ env: faulty.env })).toBe("After");
  } finally {
    vi.useRealTimers();
  }
});

it("shows all comments although D1 failed for a moment, and only then", async () => {
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

  // It is back when the actor has been asked for where the post stands.
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

it.skipIf(env.SHARDS !== "DB")("waits for no write that D1 does not answer", { timeout: 25_000 }, async () => {
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
    it("nobody notices", async () => {
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
  "when the queues %s",
  (_, fault) => {
    it("what is written is acknowledged, and arrives by its own row", async () => {
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

it.skipIf(env.SHARDS === "DB")("answers while the map of the shards cannot be read", { timeout: 10_000 }, async () => {
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
