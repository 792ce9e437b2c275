/** What each viewer sees of an author, on every path of the API, in every state of the author and their post. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { d1Of } from "./stores/d1.ts";
import { comment, succeed, projectAll, publish, type Someone } from "./world/api.ts";
import { recordQueues } from "./queues/facts.ts";
import { ask, makePrivate, signUp } from "./world/people.ts";
import { writeFollow } from "./world/posts.ts";
import { MODERATION_ROUTES, OWN_ACCOUNT_ROUTES, OWN_FILE_ROUTES } from "./routes.ts";
import { fanOut } from "../../workers/feeds/fan-out.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/**
 * `removed` was a follower, and `muter` follows. All but `anonymous` have liked the post and commented, if they could.
 */
const ROLES = ["anonymous", "author", "stranger", "requester", "follower", "muter", "removed", "blocked"] as const;
type Role = (typeof ROLES)[number];
/** `newly private`: became private a moment ago, after every read had been served (and cached). */
const STATES = ["public", "private", "newly private", "deleted"] as const;
type State = (typeof STATES)[number];

/** The specification. Everything below derives from it what each route must return. */
function sees(role: Role, state: State): boolean {
  if (state === "deleted" || role === "blocked") return false;
  if (state === "public" || role === "author") return true;
  return role === "follower" || role === "muter";
}

type World = { token: string | undefined; names: Record<string, string> };

async function newWorld(role: Role, state: State): Promise<World> {
  const [author, other, someone] = [await signUp(), await signUp(), await signUp()];
  const viewer = role === "author" ? author : someone;
  const isFollower = ["follower", "muter", "removed"].includes(role);
  await writeFollow(other.person.id, author.person.id);
  if (isFollower) await writeFollow(viewer.person.id, author.person.id);
  const { id: post } = await publish(author);
  if (state === "private" || state === "deleted") await makePrivate(author.person);
  const by = state === "public" || state === "newly private" || isFollower ? viewer : author;
  await succeed("PUT", `/v1/posts/${post}/like`, other);
  await succeed("PUT", `/v1/posts/${post}/like`, by);
  const theirs = await comment(other, post, "Theirs");
  await comment(by, post, "Mine");
  const { id: elsewhere } = await publish(other);
  await comment(author, elsewhere, "A private person is heard where they speak");
  await projectAll(queues, post);
  await projectAll(queues, elsewhere);
  await fanOut(env, { post, author: author.person.id });

  const names = {
    author: author.person.handle,
    other: other.person.handle,
    post,
    theirs: theirs.id,
    elsewhere,
  };
  const world = { token: role === "anonymous" ? undefined : viewer.token, names };
  if (state === "newly private") {
    for (const [method, route] of READS) await resultOf(world, [method, route]);
    await succeed("PATCH", "/v1/me", author, { private: true });
  }
  if (role === "requester") await succeed("PUT", `/v1/people/${author.person.handle}/follow`, viewer);
  if (role === "removed") await succeed("DELETE", `/v1/me/followers/${viewer.person.handle}`, author);
  if (role === "muter") await succeed("PUT", `/v1/people/${author.person.handle}/mute`, viewer);
  if (role === "blocked") await succeed("PUT", `/v1/people/${viewer.person.handle}/block`, author);
  if (state === "deleted") await succeed("DELETE", `/v1/posts/${post}`, author);
  await writeLate(viewer, other, post);
  return world;
}

/** Writes a notification as if it had come late. */
async function writeLate(viewer: Someone, other: Someone, post: string): Promise<void> {
  const database = d1Of(env, viewer.person.id);
  await database
    .prepare(
      `INSERT INTO notifications (recipient, kind, subject, post, actors, count, version, raised, at)
       VALUES (?1, 'comment', ?2, ?2, json_array(?3), 1, 1, 2, 1) ON CONFLICT DO NOTHING`,
    )
    .bind(viewer.person.id, post, other.person.id)
    .run();
}

type Call = readonly [method: string, route: string, body?: unknown];

/**
 * Sends a request and returns the status, with the code of a problem or, for a GET, whether post or author are in the
 * response.
 */
async function resultOf({ token, names }: World, [method, route, body]: Call): Promise<string> {
  const fill = (text: string) => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? "");
  const response = await ask(method, fill(`/v1${route}`), {
    ...(token === undefined ? { asAnybody: false } : { token }),
    ...(body !== undefined && { body: JSON.parse(fill(JSON.stringify(body))) as unknown }),
  });
  const text = await response.text();
  if (response.status >= 400) return `${response.status} ${(JSON.parse(text) as { code: string }).code}`;
  if (method !== "GET") return String(response.status);
  const isThere = [names["post"], names["author"]].some((name) => text.includes(`"${name}"`));
  return `${response.status} ${isThere ? "with" : "without"}`;
}

const [SIGN_IN, NO_POST, NO_PERSON] = ["401 not_signed_in", "404 post_not_found", "404 person_not_found"];
const [WITH, WITHOUT] = ["200 with", "200 without"];

/** What a route returns to the author, to others who may see the post (`seen`) and to those who may not (`unseen`). */
type Outcomes = {
  author: string;
  seen: string;
  unseen: string;
  anonymous?: string;
  blocked?: string;
  muter?: string;
  /** Somebody who does not follow the author. */
  stranger?: string;
};
const read = (author: string, seen = author): Outcomes => ({ author, seen, unseen: NO_POST });
const write = (author: string, seen = author): Outcomes => ({ author, seen, unseen: NO_POST, anonymous: SIGN_IN });
const BY_AUTHOR = (status: string): Outcomes => write(status, "403 not_yours");

const READS = [
  ["GET", "/posts/{post}"],
  ["GET", "/posts/{post}/comments"],
  ["GET", "/posts/{post}/comments/{theirs}/replies"],
  ["GET", "/posts/{post}/likes"],
  ["GET", "/people/{author}/posts"],
  ["GET", "/people/{author}/followers"],
  ["GET", "/feed"],
  ["GET", "/notifications"],
] as const;

const LIST_OF_PERSON: Outcomes = { author: WITHOUT, seen: WITHOUT, unseen: WITHOUT, blocked: NO_PERSON };
const LIST_OF_POSTS: Outcomes = { author: WITH, seen: WITH, unseen: WITHOUT, blocked: NO_PERSON };

const MATRIX: (readonly [...Call, Outcomes])[] = [
  ["GET", "/posts/{post}", undefined, read(WITH)],
  // In some states the author has liked and commented in place of a viewer who could not.
  ["GET", "/posts/{post}/comments", undefined, read(WITH, WITHOUT)],
  ["GET", "/posts/{post}/comments?order=newest", undefined, read(WITH, WITHOUT)],
  ["GET", "/posts/{post}/comments?order=most_liked", undefined, read(WITH, WITHOUT)],
  ["GET", "/posts/{post}/comments/{theirs}/replies", undefined, read(WITHOUT)],
  ["GET", "/posts/{post}/likes", undefined, read(WITH, WITHOUT)],
  ["GET", "/posts/{post}/audit", undefined, read(WITHOUT)],
  ["GET", "/posts/{post}/captions", undefined, BY_AUTHOR(WITHOUT)],
  ["GET", "/people/{author}/posts", undefined, LIST_OF_POSTS],
  ["GET", "/people/{author}/followers", undefined, LIST_OF_PERSON],
  ["GET", "/people/{author}/following", undefined, LIST_OF_PERSON],
  [
    "GET",
    "/feed",
    undefined,
    { author: WITH, seen: WITH, unseen: WITHOUT, anonymous: SIGN_IN, muter: WITHOUT, stranger: WITHOUT },
  ],
  ["GET", "/notifications", undefined, { author: WITH, seen: WITH, unseen: WITHOUT, anonymous: SIGN_IN }],

  // A private person's profile and what they write elsewhere stay visible.
  ["GET", "/people/{author}", undefined, { author: WITH, seen: WITH, unseen: WITH, blocked: NO_PERSON }],
  ["GET", "/posts/{elsewhere}/comments", undefined, { author: WITH, seen: WITH, unseen: WITH, blocked: WITHOUT }],
  ["GET", "/people/{other}/following", undefined, { author: WITH, seen: WITH, unseen: WITH, blocked: WITHOUT }],

  ["PATCH", "/posts/{post}", { caption: "Mine" }, BY_AUTHOR("200")],
  ["PUT", "/posts/{post}/like", undefined, write("200")],
  ["POST", "/posts/{post}/comments", { text: "Hello" }, write("201")],
  ["POST", "/posts/{post}/comments", { text: "Hello", replyTo: "{theirs}" }, write("201")],
  ["PUT", "/posts/{post}/comments/{theirs}/like", undefined, write("200")],
  ["DELETE", "/posts/{post}/comments/{theirs}/like", undefined, write("200")],
  ["PUT", "/posts/{post}/comments/{theirs}/pin", undefined, BY_AUTHOR("200")],
  ["DELETE", "/posts/{post}/comments/{theirs}/pin", undefined, BY_AUTHOR("200")],
  ["PUT", "/posts/{post}/comments/{theirs}/hidden", undefined, BY_AUTHOR("200")],
  ["DELETE", "/posts/{post}/comments/{theirs}/hidden", undefined, BY_AUTHOR("200")],
  ["POST", "/reports", { post: "{post}", reason: "spam" }, write("409 cannot_report_yourself", "202")],
  ["PUT", "/posts/{post}/mute", undefined, write("200")],
  ["PATCH", "/posts/{post}/comments/{theirs}", { text: "More" }, write("403 not_yours")],
  ["DELETE", "/posts/{post}/comments/{theirs}", undefined, BY_AUTHOR("204")],
  // The like is removed in any case, but the response shows the post's counts only to viewers who may see it.
  ["DELETE", "/posts/{post}/like", undefined, write("200")],
  ["DELETE", "/posts/{post}", undefined, BY_AUTHOR("204")],
];

/** Routes that show no post, or only what is the viewer's own. */
const WITHOUT_POSTS = [
  "POST /people",
  "GET /people",
  "POST /sessions",
  "DELETE /sessions/current",
  "GET /me",
  "PATCH /me",
  "GET /me/blocks",
  "GET /me/mutes",
  "GET /me/requests",
  "PUT /me/requests/{person}",
  "DELETE /me/requests/{person}",
  "DELETE /me/followers/{person}",
  "PUT /people/{person}/follow",
  "DELETE /people/{person}/follow",
  "PUT /people/{person}/block",
  "DELETE /people/{person}/block",
  "PUT /people/{person}/mute",
  "DELETE /people/{person}/mute",
  ...OWN_ACCOUNT_ROUTES,
  ...OWN_FILE_ROUTES,
  ...MODERATION_ROUTES,
  "POST /posts",
  "POST /notifications/read",
  "POST /notifications/{notification}/read",
  "GET /notifications/preferences",
  "PUT /notifications/preferences",
  "GET /posts/{post}/mute",
  "DELETE /posts/{post}/mute",
  "PUT /people/{person}/bell",
  "DELETE /people/{person}/bell",
  "GET /push-subscriptions/key",
  "PUT /push-subscriptions",
  "DELETE /push-subscriptions",
  "GET /live", // Decides for each watched post: workers/api/live/live.test.ts.
];

function expected(role: Role, state: State, outcomes: Outcomes): string {
  if (role === "anonymous" && outcomes.anonymous !== undefined) return outcomes.anonymous;
  if (role === "blocked" && outcomes.blocked !== undefined) return outcomes.blocked;
  if (role === "muter" && outcomes.muter !== undefined) return outcomes.muter;
  const isStranger = role === "stranger" || role === "requester" || role === "removed";
  if (isStranger && outcomes.stranger !== undefined) return outcomes.stranger;
  if (!sees(role, state)) return outcomes.unseen;
  return role === "author" ? outcomes.author : outcomes.seen;
}

describe.each(STATES)("when the author or the post is %s", (state) => {
  it.each(ROLES)("shows exactly what the viewer may see on every path (%s)", async (role) => {
    const world = await newWorld(role, state);
    const found: Record<string, string> = {};
    const wanted: Record<string, string> = {};
    for (const [method, route, body, outcomes] of MATRIX) {
      const name = `${method} ${route} ${body === undefined ? "" : JSON.stringify(body)}`;
      found[name] = await resultOf(world, [method, route, body]);
      wanted[name] = expected(role, state, outcomes);
    }
    // The author may repeat the deletion.
    if (role === "author" && state === "deleted") wanted["DELETE /posts/{post} "] = "204";
    // A block does not keep anybody from taking back a like (see the matrix of blocks), unless the post is private.
    if (role === "blocked" && state === "public") wanted["DELETE /posts/{post}/like "] = "200";
    expect(found).toEqual(wanted);
  });
});

it("stores nothing when a request is refused", async () => {
  const { token, names } = await newWorld("requester", "private");
  const stateOfPost = async () => {
    const actor = env.POSTS.getByName(names["post"] ?? "");
    const state = await actor.state();
    if (!state.ok) throw new Error(state.reason);
    return [state.likes, state.comments, state.seq, state.digest];
  };
  const before = await stateOfPost();
  for (const [method, route, body] of MATRIX.filter(([method]) => method !== "GET")) {
    expect(await resultOf({ token, names }, [method, route, body])).toBe(NO_POST);
  }
  expect(await stateOfPost()).toEqual(before);
});

it("covers every route of the API", async () => {
  const { paths } = await (await ask("GET", "/v1/openapi.json")).json<{ paths: Record<string, object> }>();
  const shape = (route: string) => route.replace(/\?.*/, "").replaceAll(/\{\w+\}/g, "{}");
  const known = new Set([...WITHOUT_POSTS, ...MATRIX.map(([method, route]) => `${method} ${route}`)].map(shape));
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/^\/v1/, "")}`),
  );
  expect(routes.length).toBeGreaterThan(40);
  expect(routes.filter((route) => !known.has(shape(route)))).toEqual([]);
});
