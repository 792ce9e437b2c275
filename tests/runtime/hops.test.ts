/** What requests of signed-in people wait for: how often, and whether near or far. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Post } from "../../schema/api/posts.ts";
import type { PostId } from "../../schema/ids.ts";
import { fanOut } from "../../workers/feeds/fan-out.ts";
import { recordQueues } from "./queues/facts.ts";
import { type Round, Rounds } from "./stores/rounds.ts";
import { comment, projectAll, publish, type Someone, succeed } from "./world/api.ts";
import { makePrivate, signUp } from "./world/people.ts";
import { newPost, readyMedia, writeFollow } from "./world/posts.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Scene = { ada: Someone; ben: Someone; post: Post };

/** Ada has published a post, which Ben, a follower, has liked and commented on. */
async function scene(): Promise<Scene> {
  const [ada, ben] = [await signUp(), await signUp()];
  await writeFollow(ben.person.id, ada.person.id);
  const post = await publish(ada);
  await succeed("PUT", `/v1/posts/${post.id}/like`, ben);
  await comment(ben, post.id, "The light!");
  await projectAll(queues, post.id);
  await fanOut(env, { post: post.id, author: ada.person.id });
  return { ada, ben, post };
}

/** Returns the rounds of the first request in an isolate that has read nothing, and of the same request again. */
async function coldAndWarm(method: string, path: string, by: Someone, body?: object): Promise<[Round[], Round[]]> {
  const rounds = new Rounds({ ...env, LIMITS: "" });
  const once = async () => {
    const asked = await rounds.ask(method, path, { token: by.token, ...(body && { body }) });
    expect(asked.response.ok, `${method} ${path}: ${asked.response.status}`).toBe(true);
    return asked.rounds;
  };
  vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ["Date"] }); // What this isolate has cached is too old now.
  try {
    return [await once(), await once()];
  } finally {
    vi.useRealTimers();
  }
}

/** The actor of a person's limits is near them. */
const NEAR = new Set(["d1-replica", "kv", "limits"]);
const isNear = (round: Round): boolean => round.every((store) => NEAR.has(store));

// With several databases the map of the shards is read from the primary now and then.
describe.skipIf(env.SHARDS !== "DB")("a read waits for no primary and no actor, and for", () => {
  const READS: [string, (world: Scene) => string, cold: number][] = [
    ["the feed", () => "/v1/feed", 2],
    ["a post", ({ post }) => `/v1/posts/${post.id}`, 1],
    ["the comments on a post", ({ post }) => `/v1/posts/${post.id}/comments`, 2],
    ["a person", ({ ada }) => `/v1/people/${ada.person.handle}`, 2],
    ["a person's posts", ({ ada }) => `/v1/people/${ada.person.handle}/posts`, 2],
    ["the viewer's profile", () => "/v1/me", 2],
    ["the inbox", () => "/v1/notifications", 2],
    ["preferences", () => "/v1/notifications/preferences", 1],
  ];
  it.each(READS)("%s: at most two rounds nearby, one when warm", async (_, pathOf, most) => {
    const world = await scene();
    for (const viewer of [world.ada, world.ben]) {
      const [cold, warm] = await coldAndWarm("GET", pathOf(world), viewer);
      expect(cold.every(isNear), JSON.stringify(cold)).toBe(true);
      expect(cold.length, JSON.stringify(cold)).toBeLessThanOrEqual(most);
      expect(warm).toEqual([["d1-replica"]]);
    }
  });
});

describe.skipIf(env.SHARDS !== "DB")("a write waits for", () => {
  const [NEARBY, PRIMARY, ACTOR]: Round[] = [["d1-replica", "limits"], ["d1-primary"], ["actor"]];
  /** An isolate that does not know the key of tokens reads it, too, before it charges anybody. */
  const COLD: Round[] = [["d1-replica"], ["limits"]];

  it("one round nearby and the actor, for a like or a comment", async () => {
    const { ben, post } = await scene();
    const [first, again] = await coldAndWarm("PUT", `/v1/posts/${post.id}/like`, ben);
    expect([first, again]).toEqual([
      [...COLD, ACTOR],
      [NEARBY, ACTOR],
    ]);
    const body = { text: "And the shadows" };
    const [cold] = await coldAndWarm("POST", `/v1/posts/${post.id}/comments`, ben, body);
    expect(cold).toEqual([...COLD, ACTOR]);
  });

  it("one round nearby and one batch, for a follow", async () => {
    const [ada, ben] = [await signUp(), await signUp()];
    const [cold, warm] = await coldAndWarm("PUT", `/v1/people/${ada.person.handle}/follow`, ben);
    expect([cold.slice(0, -1).every(isNear), cold.length, cold.at(-1)]).toEqual([true, 3, PRIMARY]);
    expect(warm).toEqual([NEARBY, PRIMARY]);
  });

  it("one round nearby, one batch and the new actor, for a post", async () => {
    const ada = await signUp();
    const body = { caption: "Low tide", media: [{ id: await readyMedia(ada.person.id) }] };
    const [cold] = await coldAndWarm("POST", "/v1/posts", ada, body);
    expect(cold).toEqual([...COLD, PRIMARY, ACTOR]);
  });
});

// The time that a refusal takes must not tell a private post from one that is deleted or never was.
describe.skipIf(env.SHARDS !== "DB")("a post that the viewer may not see", () => {
  it("waits for the same, whatever the reason, and does not say for what", async () => {
    const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
    const [hidden, removed] = [await publish(ada), await publish(cleo)];
    await makePrivate(ada.person);
    await succeed("DELETE", `/v1/posts/${removed.id}`, cleo);
    await projectAll(queues, hidden.id);
    await projectAll(queues, removed.id);
    const never = newPost().id;
    let hours = 0;
    const seen = async (method: string, pathOf: (post: PostId) => string, body?: object) => {
      const outcomes: unknown[] = [];
      hours += 1; // Nothing that the last request has read is believed any more.
      for (const post of [hidden.id, removed.id, never]) {
        const rounds = new Rounds(env);
        vi.useFakeTimers({ now: Date.now() + hours * 3_600_000, toFake: ["Date"] });
        const asked = await rounds.ask(method, pathOf(post), { token: ben.token, ...(body && { body }) });
        vi.useRealTimers();
        const { status, headers } = asked.response;
        expect([status, headers.get("server-timing")]).toEqual([404, null]);
        const { requestId: _, ...problem } = await asked.response.json<Record<string, unknown>>();
        outcomes.push([asked.rounds.map(String).toSorted(), problem]);
      }
      return outcomes;
    };
    for (const [method, pathOf, body] of [
      ["GET", (post) => `/v1/posts/${post}`],
      ["GET", (post) => `/v1/posts/${post}/comments`],
      ["GET", (post) => `/v1/posts/${post}/likes`],
      ["PUT", (post) => `/v1/posts/${post}/like`],
      ["DELETE", (post) => `/v1/posts/${post}/like`],
      ["POST", (post) => `/v1/posts/${post}/comments`, { text: "Where is this?" }],
    ] as [string, (post: PostId) => string, object?][]) {
      const [first, ...others] = await seen(method, pathOf, body);
      for (const [n, other] of others.entries()) expect(other, `${n} ${method} ${pathOf(never)}`).toEqual(first);
    }
  });
});
