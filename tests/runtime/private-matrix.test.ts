/** Who sees what of an author, on every path of the API, in every state that the author and their post can be in. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { databaseOf } from "../../schema/d1/shards.ts";
import { comment, done, projectAll, publish, type Someone } from "./api.ts";
import { recordQueues } from "./facts.ts";
import { ask, hide, signUp } from "./people.ts";
import { follows } from "./posts.ts";
import { OF_OWN_FILES } from "./routes.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A removed one has followed, and a muter follows. All but nobody have liked the post and commented, when they could. */
const ROLES = ["nobody", "author", "stranger", "requester", "follower", "muter", "removed", "blocked"] as const;
type Role = (typeof ROLES)[number];
/** `turned`: private since a moment ago, and every answer has been given before. */
const STATES = ["public", "private", "turned", "deleted"] as const;
type State = (typeof STATES)[number];

/** The specification: all that follows is what each route makes of it. */
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
  await follows(other.person.id, author.person.id);
  if (isFollower) await follows(viewer.person.id, author.person.id);
  const { id: post } = await publish(author);
  if (state === "private" || state === "deleted") await hide(author.person);
  const by = state === "public" || state === "turned" || isFollower ? viewer : author;
  await done("PUT", `/v1/posts/${post}/like`, other);
  await done("PUT", `/v1/posts/${post}/like`, by);
  const theirs = await comment(other, post, "Theirs");
  await comment(by, post, "Mine");
  const { id: elsewhere } = await publish(other);
  await comment(author, elsewhere, "A private person is heard where they speak");
  await projectAll(queues, post);
  await projectAll(queues, elsewhere);

  const names = {
    author: author.person.handle,
    other: other.person.handle,
    post,
    theirs: theirs.id,
    elsewhere,
  };
  const world = { token: role === "nobody" ? undefined : viewer.token, names };
  if (state === "turned") {
    for (const [method, route] of READS) await told(world, [method, route]);
    await done("PATCH", "/v1/me", author, { private: true });
  }
  if (role === "requester") await done("PUT", `/v1/people/${author.person.handle}/follow`, viewer);
  if (role === "removed") await done("DELETE", `/v1/me/followers/${viewer.person.handle}`, author);
  if (role === "muter") await done("PUT", `/v1/people/${author.person.handle}/mute`, viewer);
  if (role === "blocked") await done("PUT", `/v1/people/${viewer.person.handle}/block`, author);
  if (state === "deleted") await done("DELETE", `/v1/posts/${post}`, author);
  await late(viewer, author, other, post);
  return world;
}

/** As something that came late has written it: a feed's entry, and a notification. */
async function late(viewer: Someone, author: Someone, other: Someone, post: string): Promise<void> {
  const database = databaseOf(env, viewer.person.id);
  await database.batch([
    database
      .prepare("INSERT INTO feed (reader, post, author) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
      .bind(viewer.person.id, post, author.person.id),
    database
      .prepare(
        `INSERT INTO notifications (recipient, kind, subject, post, actors, count, version, raised, at)
         VALUES (?1, 'comment', ?2, ?2, json_array(?3), 1, 1, 2, 1) ON CONFLICT DO NOTHING`,
      )
      .bind(viewer.person.id, post, other.person.id),
  ]);
}

type Asked = readonly [method: string, route: string, body?: unknown];

/** The status, the code of a refusal; of a list whether the post is in it, or its author. */
async function told({ token, names }: World, [method, route, body]: Asked): Promise<string> {
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

/** What a route answers. `author`: to them, `seen`: to the others who see the post, `unseen`: to those who do not. */
type Outcomes = { author: string; seen: string; unseen: string; nobody?: string; blocked?: string; muter?: string };
const read = (author: string, seen = author): Outcomes => ({ author, seen, unseen: NO_POST });
const write = (author: string, seen = author): Outcomes => ({ author, seen, unseen: NO_POST, nobody: SIGN_IN });
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

const MATRIX: (readonly [...Asked, Outcomes])[] = [
  ["GET", "/posts/{post}", undefined, read(WITH)],
  // The author has liked the post and commented, when the others could not.
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
  ["GET", "/feed", undefined, { author: WITH, seen: WITH, unseen: WITHOUT, nobody: SIGN_IN, muter: WITHOUT }],
  ["GET", "/notifications", undefined, { author: WITH, seen: WITH, unseen: WITHOUT, nobody: SIGN_IN }],

  // What a private person is and says elsewhere stays as it was.
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
  ["PUT", "/posts/{post}/mute", undefined, write("200")],
  ["PATCH", "/posts/{post}/comments/{theirs}", { text: "More" }, write("403 not_yours")],
  ["DELETE", "/posts/{post}/comments/{theirs}", undefined, BY_AUTHOR("204")],
  // Taken back it is in any case, but only who sees the post is told how it stands.
  ["DELETE", "/posts/{post}/like", undefined, write("200")],
  ["DELETE", "/posts/{post}", undefined, BY_AUTHOR("204")],
];

/** What shows no post, and what is the caller's own. */
const ELSEWHERE = [
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
  ...OF_OWN_FILES,
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
  "GET /live", // Decides for each post that is watched: workers/api/live.test.ts.
];

function expected(role: Role, state: State, outcomes: Outcomes): string {
  if (role === "nobody" && outcomes.nobody !== undefined) return outcomes.nobody;
  if (role === "blocked" && outcomes.blocked !== undefined) return outcomes.blocked;
  if (role === "muter" && outcomes.muter !== undefined) return outcomes.muter;
  if (!sees(role, state)) return outcomes.unseen;
  return role === "author" ? outcomes.author : outcomes.seen;
}

describe.each(STATES)("of an author and a post that are %s", (state) => {
  it.each(ROLES)("%s sees what they may, on every path", async (role) => {
    const world = await newWorld(role, state);
    const found: Record<string, string> = {};
    const wanted: Record<string, string> = {};
    for (const [method, route, body, outcomes] of MATRIX) {
      const name = `${method} ${route} ${body === undefined ? "" : JSON.stringify(body)}`;
      found[name] = await told(world, [method, route, body]);
      wanted[name] = expected(role, state, outcomes);
    }
    // Whoever has deleted it may repeat that.
    if (role === "author" && state === "deleted") wanted["DELETE /posts/{post} "] = "204";
    // What a block leaves possible is told in its own matrix; a private post is told of to nobody.
    if (role === "blocked" && state === "public") wanted["DELETE /posts/{post}/like "] = "200";
    expect(found).toEqual(wanted);
  });
});

it("stores nothing of what is refused", async () => {
  const { token, names } = await newWorld("requester", "private");
  const audit = async () => {
    const actor = env.POSTS.getByName(names["post"] ?? "");
    const state = await actor.state();
    if (!state.ok) throw new Error(state.reason);
    return [state.likes, state.comments, state.seq, state.digest];
  };
  const before = await audit();
  for (const [method, route, body] of MATRIX.filter(([method]) => method !== "GET")) {
    expect(await told({ token, names }, [method, route, body])).toBe(NO_POST);
  }
  expect(await audit()).toEqual(before);
});

it("knows every route that there is", async () => {
  const { paths } = await (await ask("GET", "/v1/openapi.json")).json<{ paths: Record<string, object> }>();
  const shape = (route: string) => route.replace(/\?.*/, "").replaceAll(/\{\w+\}/g, "{}");
  const known = new Set([...ELSEWHERE, ...MATRIX.map(([method, route]) => `${method} ${route}`)].map(shape));
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/^\/v1/, "")}`),
  );
  expect(routes.length).toBeGreaterThan(40);
  expect(routes.filter((route) => !known.has(shape(route)))).toEqual([]);
});
