/** What a hostile person sends in masses, and what an honest one does on a busy day. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newId, type PersonId, type PostId, randomShard, shardOf } from "../../schema/ids.ts";
import { DEFAULT_LIMITS } from "../../schema/limits/limits.ts";
import { chargePerson } from "../../workers/limits/charges.ts";
import { limitOf } from "../../workers/limits/limited-requests.ts";
import { issue } from "../../workers/storage/issued-tokens.ts";
import { recordQueues } from "./queues/facts.ts";
import { d1Costs } from "./stores/d1-costs.ts";
import { publish, type Someone } from "./world/api.ts";
import { ask, outcome, signUp } from "./world/people.ts";
import { readyMedia, writeFollow } from "./world/posts.ts";

const limited: Env = { ...env, LIMITS: "" };
const DAY = 24 * 3_600_000;
const MINUTE = 60_000;
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

beforeEach(() => {
  recordQueues();
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] }); // Nothing flows in, however slow the machine.
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

type Flood = [name: string, count: number, send: (by: Someone, n: number) => [string, string, object?], most: number];

/** Sends `count` requests at once and returns how many succeeded; the others must be 429s. */
async function flood(count: number, send: (n: number) => Promise<Response>): Promise<number> {
  const responses = await Promise.all(Array.from({ length: count }, (_, n) => send(n)));
  const [good, bad] = [true, false].map((isGood) => responses.filter(({ ok }) => ok === isGood));
  for (const response of bad ?? []) {
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await outcome(response)).toBe("429 rate_limited");
  }
  return good?.length ?? 0;
}

describe("a person of today is held to the limits of young accounts, against", () => {
  let post: PostId;
  let media: string;
  let other: Someone;
  beforeEach(async () => {
    other = await signUp();
    post = (await publish(other)).id;
  });
  const burstOf = (limit: keyof typeof DEFAULT_LIMITS) =>
    (DEFAULT_LIMITS[limit].young ?? DEFAULT_LIMITS[limit].figures).burst;

  const FLOODS: Flood[] = [
    ["like flaps", 150, (_, n) => [n % 2 ? "DELETE" : "PUT", `/v1/posts/${post}/like`], burstOf("like")],
    [
      "follow flaps",
      100,
      (_, n) => [n % 2 ? "DELETE" : "PUT", `/v1/people/${other.person.handle}/follow`],
      burstOf("follow"),
    ],
    ["equal comments", 60, () => ["POST", `/v1/posts/${post}/comments`, { text: "Nice" }], burstOf("comment")],
    ["posts of one file", 40, () => ["POST", "/v1/posts", { caption: "", media: [{ id: media }] }], burstOf("post")],
    ["renames", 60, (_, n) => ["PATCH", "/v1/me", { name: `Name ${n}` }], burstOf("account")],
    [
      "marks as read",
      150,
      () => ["POST", "/v1/notifications/read", { upTo: new Date().toISOString() }],
      burstOf("inbox"),
    ],
  ];
  it.each(FLOODS)("%s", async (_, count, send, most) => {
    const eve = await signUp();
    media = await readyMedia(eve.person.id);
    const sent = await flood(count, (n) => {
      const [method, path, body] = send(eve, n);
      return ask(method, path, { token: eve.token, env: limited, ...(body && { body }) });
    });
    expect(sent).toBe(most);
  });

  it("likes that go on, at no more than the rate", async () => {
    const eve = await signUp();
    const like = () => ask("PUT", `/v1/posts/${post}/like`, { token: eve.token, env: limited });
    expect(await flood(100, like)).toBe(60);
    for (let minute = 0; minute < 3; minute += 1) {
      later(MINUTE);
      expect(await flood(50, like)).toBe(30);
    }
  });

  it("deletions of what does not exist", async () => {
    const eve = await signUp();
    const comment = newId(shardOf(post));
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, async () =>
        outcome(await ask("DELETE", `/v1/posts/${post}/comments/${comment}`, { token: eve.token, env: limited })),
      ),
    );
    expect(outcomes.filter((each) => each === "429 rate_limited")).toHaveLength(40 - burstOf("comment"));
  });

  it("uploads", async () => {
    const eve = await signUp();
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const headers = { "content-type": "image/jpeg" };
        return outcome(await ask("POST", "/v1/media", { token: eve.token, env: limited, raw: "no picture", headers }));
      }),
    );
    expect(outcomes.filter((each) => each === "429 rate_limited")).toHaveLength(100 - burstOf("upload"));
  });

  it("sockets", async () => {
    const eve = await signUp();
    let opened = 0;
    for (let n = 0; n < 70; n += 1) {
      const response = await ask("GET", "/v1/live", {
        token: eve.token,
        env: limited,
        headers: { upgrade: "websocket" },
      });
      response.webSocket?.accept();
      response.webSocket?.close();
      if (response.status === 101) opened += 1;
      else expect(await outcome(response)).toBe("429 rate_limited");
    }
    expect(opened).toBe(burstOf("live"));
  });
});

it("nobody can use up the allowance of somebody else", async () => {
  const ada = await signUp();
  const { id } = await publish(ada);
  const [person = "", session = ""] = ada.token.split(".");
  const tokens = [
    `${ada.token.slice(0, -1)}${ada.token.endsWith("A") ? "B" : "A"}`,
    `${person}.${session}.${"A".repeat(43)}.${"A".repeat(22)}`,
    await issue(env, "consistency", `${person}.${session}.${"A".repeat(43)}`),
  ];
  for (const token of tokens) {
    for (let n = 0; n < 70; n += 1) {
      expect((await ask("PUT", `/v1/posts/${id}/like`, { token, env: limited })).status).toBe(401);
    }
  }
  const liked = await ask("PUT", `/v1/posts/${id}/like`, { token: ada.token, env: limited });
  expect(liked.headers.get("ratelimit")).toContain('"like";r=59;');
});

it("tells the limit, what remains and when to come back", async () => {
  const ada = await signUp();
  const { id } = await publish(ada);
  const like = () => ask("PUT", `/v1/posts/${id}/like`, { token: ada.token, env: limited });
  const first = await like();
  expect(first.headers.get("ratelimit-policy")).toBe('"like";q=60;w=120, "like-day";q=500;w=86400');
  expect(first.headers.get("ratelimit")).toBe('"like";r=59;t=2, "like-day";r=499;t=173');
  await flood(59, like);
  const refused = await like();
  expect(refused.headers.get("ratelimit")).toContain('"like";r=0;t=120');
  expect(refused.headers.get("retry-after")).toBe("2");
  expect(await refused.json()).toMatchObject({
    status: 429,
    code: "rate_limited",
    limit: "like",
    detail: "Too many likes in a short time. Try again in 2 seconds.",
  });
  const read = await ask("GET", `/v1/posts/${id}`, { token: ada.token, env: limited });
  expect([read.status, read.headers.get("ratelimit")]).toEqual([200, null]);
});

it("writes nothing before the limits have answered, and goes on when they do not", async () => {
  const [ada, eve] = [await signUp(), await signUp()];
  const { id } = await publish(ada);
  const failing = (charge: () => Promise<never>): Env => ({
    ...limited,
    ALLOWANCES: { getByName: () => ({ charge }) } as unknown as Env["ALLOWANCES"],
  });
  const log = vi.spyOn(console, "warn").mockReturnValue();
  for (const from of [
    failing(() => Promise.reject(new Error("planted"))),
    failing(() => new Promise(() => undefined)),
  ]) {
    expect((await ask("PUT", `/v1/posts/${id}/like`, { token: eve.token, env: from })).status).toBe(200);
  }
  expect(log).toHaveBeenCalledWith("limits not checked", expect.objectContaining({ limit: "like" }));
});

it("limits reads of one person or network, and not those of others", async () => {
  const ada = await signUp();
  const limit = vi.fn(async ({ key }: { key: string }) => ({
    success: key !== ada.person.id && key !== "203.0.113.9",
  }));
  const from = { ...limited, READS: { limit } } as unknown as Env;
  const refused = await ask("GET", "/v1/feed", { token: ada.token, env: from });
  expect(await outcome(refused)).toBe("429 rate_limited");
  expect(refused.headers.get("retry-after")).toBe("60");
  const visit = (address: string) => ask("GET", "/v1/people", { headers: { "cf-connecting-ip": address }, env: from });
  expect((await visit("203.0.113.9")).status).toBe(429);
  expect((await visit("203.0.113.10")).status).toBe(200);
  expect((await ask("GET", "/v1/people", { env: from })).status).toBe(200);
  const { calls } = await d1Costs(() => ask("GET", "/v1/feed", { token: ada.token, env: from }));
  expect(calls).toBe(0);
});

it("limits mentions of people who do not follow the author, and no others", async () => {
  const [eve, ...others] = [await signUp(), ...(await Promise.all(Array.from({ length: 12 }, () => signUp())))];
  const { id } = await publish(eve);
  const [fan, ...strangers] = others;
  await writeFollow(fan?.person.id as PersonId, eve.person.id);
  const handles = (people: Someone[]) => people.map(({ person }) => `@${person.handle}`).join(" ");
  const say = async (text: string) =>
    outcome(await ask("POST", `/v1/posts/${id}/comments`, { token: eve.token, env: limited, body: { text } }));
  expect(await say(`${handles(strangers.slice(0, 8))} ${handles([fan as Someone, eve])}`)).toBe("201");
  expect(await say(handles(strangers.slice(0, 2)))).toBe("201");
  expect(await say(handles(strangers.slice(0, 1)))).toBe("429 rate_limited");
  expect(await say(handles([fan as Someone, eve]))).toBe("201");
  const media = [{ id: await readyMedia(eve.person.id) }];
  const publishing = { token: eve.token, env: limited, body: { caption: handles(strangers.slice(0, 1)), media } };
  expect(await outcome(await ask("POST", "/v1/posts", publishing))).toBe("429 rate_limited");
  const posts = await ask("GET", `/v1/people/${eve.person.handle}/posts`, { token: eve.token });
  expect((await posts.json<{ items: object[] }>()).items).toHaveLength(1);
});

it("never meets a limit on an honest person's busiest day", async () => {
  const person = newId<PersonId>(randomShard(), Date.now() - 2 * DAY);
  const send = async (method: string, path: string, pause: number) => {
    const limit = limitOf(method, path);
    if (!limit) throw new Error(`${path} is not limited`);
    expect((await chargePerson(limited, person, limit))?.allowed, `${method} ${path}`).toBe(true);
    later(pause);
  };
  // An event of ten hours: every hour 30 pictures, 200 likes and 40 comments, each as quickly as a person can.
  for (let hour = 0; hour < 10; hour += 1) {
    for (let n = 0; n < 30; n += 1) await send("POST", "/v1/media", 200);
    for (let n = 0; n < 3; n += 1) await send("POST", "/v1/posts", 5000);
    for (let n = 0; n < 200; n += 1) await send(n % 10 ? "PUT" : "DELETE", "/v1/posts/0123456789abc/like", 300);
    for (let n = 0; n < 40; n += 1) await send("POST", "/v1/posts/0123456789abc/comments", 4000);
    later(30 * MINUTE);
  }
});
