/** What each viewer sees of an author, on every path of the API, when one of the two has blocked the other. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Comment, Post } from "../../schema/api/posts.ts";
import { d1Of } from "./stores/d1.ts";
import { project } from "../../workers/projector/projector.ts";
import { flush, recordQueues } from "./queues/facts.ts";
import { ask, signUp } from "./world/people.ts";
import { writeFollow, readyMedia } from "./world/posts.ts";
import { MODERATION_ROUTES, OWN_ACCOUNT_ROUTES, OWN_FILE_ROUTES } from "./routes.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const ROLES = ["anonymous", "author", "stranger", "blocker", "blocked", "both"] as const;
type Role = (typeof ROLES)[number];
type Person = Awaited<ReturnType<typeof signUp>>;
type World = Awaited<ReturnType<typeof newWorld>>;

async function made<T>(status: number, method: string, path: string, by: Person, body?: unknown): Promise<T> {
  const response = await ask(method, path, { token: by.token, ...(body !== undefined && { body }) });
  expect(response.status, path).toBe(status);
  return response.json<T>();
}

const publish = async (by: Person) =>
  (await made<Post>(201, "POST", "/v1/posts", by, { media: [{ id: await readyMedia(by.person.id) }] })).id;
const say = async (by: Person, post: string, replyTo?: string) =>
  (await made<Comment>(201, "POST", `/v1/posts/${post}/comments`, by, { text: "Well", ...(replyTo && { replyTo }) }))
    .id;

/** Makes an author, another person and a viewer, with what they did before one of them was blocked. */
async function newWorld(role: Role) {
  const [author, other, stranger] = [await signUp(), await signUp(), await signUp()];
  const viewer = role === "author" ? author : stranger;
  const [post, third, own] = [await publish(author), await publish(other), await publish(viewer)];
  await writeFollow(author.person.id, other.person.id);
  await writeFollow(other.person.id, author.person.id);
  for (const [by, liked] of [
    [other, post],
    [viewer, post],
    [author, third],
    [other, third],
    [author, own],
  ] as const) {
    await made(200, "PUT", `/v1/posts/${liked}/like`, by);
  }
  const comment = await say(other, post);
  const mine = await say(viewer, post);
  const doomed = await say(viewer, post);
  const byAuthor = await say(author, third);
  const toAuthor = await say(other, third, byAuthor);
  const byOther = await say(other, third);
  await say(other, third, await say(author, third, byOther)); // Its `replyTo` names the author.
  await say(author, own);
  for (const id of [post, third, own] as Post["id"][]) await flush(env.POSTS.getByName(id));
  await project(env, queues.facts.splice(0));

  const block = (by: Person, { person }: Person) => made(200, "PUT", `/v1/people/${person.handle}/block`, by);
  if (role === "blocker" || role === "both") await block(viewer, author);
  if (role === "blocked" || role === "both") await block(author, viewer);
  // Adds a feed entry and a notification as if something late had written them after the block.
  const database = d1Of(env, viewer.person.id);
  await database.batch([
    database
      .prepare("INSERT INTO feed (reader, post, author) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
      .bind(viewer.person.id, post, author.person.id),
    database
      .prepare(
        `INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at)
         VALUES (?1, 'follow', ?2, json_array(?2), 1, 1, 1, 1)`,
      )
      .bind(viewer.person.id, author.person.id),
  ]);
  return {
    id: author.person.id,
    token: role === "anonymous" ? undefined : viewer.token,
    names: {
      author: author.person.handle,
      other: other.person.handle,
      post,
      third,
      comment,
      mine,
      doomed,
      byAuthor,
      toAuthor,
      byOther,
    },
  };
}

/**
 * Sends a request and returns the status, with the code of a problem or, for a GET, whether the author is in the
 * response.
 */
async function resultOf({ id, token, names }: World, [method, route, body]: Call): Promise<string> {
  const fill = (text: string) => text.replaceAll(/\{(\w+)\}/g, (_, name) => names[name as keyof typeof names]);
  const response = await ask(method, fill(`/v1${route}`), {
    ...(token !== undefined && { token }),
    ...(body !== undefined && { body: JSON.parse(fill(JSON.stringify(body))) as unknown }),
  });
  const text = await response.text();
  if (response.status >= 400) return `${response.status} ${(JSON.parse(text) as { code: string }).code}`;
  if (method !== "GET") return String(response.status);
  return `${response.status} ${text.includes(id) ? "with" : "without"}`;
}

type Call = readonly [method: string, route: string, body?: unknown];
type Outcomes = readonly [
  anonymous: string,
  author: string,
  stranger: string,
  blocker: string,
  blocked: string,
  both: string,
];

const [SIGN_IN, NO_PERSON, NO_REQUEST, NO_POST, NO_COMMENT, NOT_YOURS] = [
  "401 not_signed_in",
  "404 person_not_found",
  "404 request_not_found",
  "404 post_not_found",
  "404 comment_not_found",
  "403 not_yours",
];
const [WITH, WITHOUT] = ["200 with", "200 without"];

const same = (first: string, second: string, third: string, blocks: string): Outcomes => [
  first,
  second,
  third,
  blocks,
  blocks,
  blocks,
];
const READ_OF_POST = same(WITH, WITH, WITH, NO_POST);
const WRITE_TO_POST = (status: string) => same(SIGN_IN, status, status, NO_POST);
const BY_AUTHOR = (status: string) => same(SIGN_IN, status, NOT_YOURS, NO_POST);
const LISTED = same(WITH, WITH, WITH, WITHOUT);
const OF_PERSON: Outcomes = [WITH, WITH, WITH, WITH, NO_PERSON, NO_PERSON];

const MATRIX: (readonly [...Call, Outcomes])[] = [
  // The author and their own posts.
  ["GET", "/people/{author}", undefined, OF_PERSON],
  ["GET", "/people/{author}/posts", undefined, [WITH, WITH, WITH, WITHOUT, NO_PERSON, NO_PERSON]],
  ["GET", "/people/{author}/followers", undefined, [WITHOUT, WITHOUT, WITHOUT, WITHOUT, NO_PERSON, NO_PERSON]],
  ["GET", "/people/{author}/following", undefined, [WITHOUT, WITHOUT, WITHOUT, WITHOUT, NO_PERSON, NO_PERSON]],
  ["GET", "/posts/{post}", undefined, READ_OF_POST],
  ["GET", "/posts/{post}/comments", undefined, same(WITHOUT, WITH, WITHOUT, NO_POST)],
  ["GET", "/posts/{post}/comments/{comment}/replies", undefined, same(WITHOUT, WITHOUT, WITHOUT, NO_POST)],
  ["GET", "/posts/{post}/likes", undefined, same(WITHOUT, WITH, WITHOUT, NO_POST)],
  ["GET", "/posts/{post}/audit", undefined, same(WITHOUT, WITHOUT, WITHOUT, NO_POST)],
  ["GET", "/posts/{post}/captions", undefined, same(SIGN_IN, WITHOUT, NOT_YOURS, NO_POST)],
  ["PATCH", "/posts/{post}", { caption: "Mine" }, BY_AUTHOR("200")],
  ["PUT", "/posts/{post}/like", undefined, WRITE_TO_POST("200")],
  ["DELETE", "/posts/{post}/like", undefined, same(SIGN_IN, "200", "200", "200")],
  ["POST", "/posts/{post}/comments", { text: "Hello" }, WRITE_TO_POST("201")],
  ["POST", "/posts/{post}/comments", { text: "Hello", replyTo: "{comment}" }, WRITE_TO_POST("201")],
  ["PUT", "/posts/{post}/comments/{comment}/like", undefined, WRITE_TO_POST("200")],
  ["DELETE", "/posts/{post}/comments/{comment}/like", undefined, WRITE_TO_POST("200")],
  ["PUT", "/posts/{post}/comments/{comment}/pin", undefined, BY_AUTHOR("200")],
  ["DELETE", "/posts/{post}/comments/{comment}/pin", undefined, BY_AUTHOR("200")],
  ["PUT", "/posts/{post}/comments/{comment}/hidden", undefined, BY_AUTHOR("200")],
  ["DELETE", "/posts/{post}/comments/{comment}/hidden", undefined, BY_AUTHOR("200")],
  ["GET", "/posts/{post}/mute", undefined, same(SIGN_IN, WITHOUT, WITHOUT, WITHOUT)],
  ["PUT", "/posts/{post}/mute", undefined, same(SIGN_IN, "200", "200", NO_POST)],
  ["DELETE", "/posts/{post}/mute", undefined, same(SIGN_IN, "200", "200", "200")],
  ["POST", "/reports", { post: "{post}", reason: "spam" }, same(SIGN_IN, "409 cannot_report_yourself", "202", NO_POST)],
  [
    "POST",
    "/reports",
    { post: "{third}", comment: "{byAuthor}", reason: "spam" },
    same(SIGN_IN, "409 cannot_report_yourself", "202", NO_COMMENT),
  ],
  [
    "POST",
    "/reports",
    { person: "{author}", reason: "spam" },
    [SIGN_IN, "409 cannot_report_yourself", "202", "202", NO_PERSON, NO_PERSON],
  ],
  ["PATCH", "/posts/{post}/comments/{mine}", { text: "More" }, WRITE_TO_POST("200")],
  ["PATCH", "/posts/{post}/comments/{comment}", { text: "More" }, same(SIGN_IN, NOT_YOURS, NOT_YOURS, NO_POST)],
  ["DELETE", "/posts/{post}/comments/{doomed}", undefined, same(SIGN_IN, "204", "204", "204")],
  ["DELETE", "/posts/{post}/comments/{comment}", undefined, BY_AUTHOR("204")],
  ["DELETE", "/posts/{post}", undefined, BY_AUTHOR("204")],

  // The author on somebody else's post and in lists.
  ["GET", "/posts/{third}", undefined, [WITHOUT, WITHOUT, WITHOUT, WITHOUT, WITHOUT, WITHOUT]],
  ["GET", "/posts/{third}/comments", undefined, LISTED],
  ["GET", "/posts/{third}/comments?order=newest", undefined, LISTED],
  ["GET", "/posts/{third}/comments?order=most_liked", undefined, LISTED],
  ["GET", "/posts/{third}/comments/{byOther}/replies", undefined, LISTED],
  ["GET", "/posts/{third}/comments/{byAuthor}/replies", undefined, same(WITH, WITH, WITH, NO_COMMENT)],
  ["GET", "/posts/{third}/likes", undefined, LISTED],
  ["POST", "/posts/{third}/comments", { text: "Oh", replyTo: "{byAuthor}" }, same(SIGN_IN, "201", "201", NO_COMMENT)],
  ["POST", "/posts/{third}/comments", { text: "Oh", replyTo: "{toAuthor}" }, same(SIGN_IN, "201", "201", NO_COMMENT)],
  ["POST", "/posts/{third}/comments", { text: "Oh", replyTo: "{byOther}" }, same(SIGN_IN, "201", "201", "201")],
  ["PUT", "/posts/{third}/comments/{byAuthor}/like", undefined, same(SIGN_IN, "200", "200", NO_COMMENT)],
  ["PUT", "/posts/{third}/comments/{byOther}/like", undefined, same(SIGN_IN, "200", "200", "200")],
  ["GET", "/people/{other}/followers", undefined, LISTED],
  ["GET", "/people/{other}/following", undefined, LISTED],
  ["GET", "/people?limit=50", undefined, LISTED],
  ["GET", "/feed", undefined, same(SIGN_IN, WITH, WITH, WITHOUT)],
  ["GET", "/notifications", undefined, same(SIGN_IN, WITH, WITH, WITHOUT)],
  ["GET", "/me/blocks", undefined, [SIGN_IN, WITHOUT, WITHOUT, WITH, WITHOUT, WITH]],

  ["GET", "/me/mutes", undefined, same(SIGN_IN, WITHOUT, WITHOUT, WITHOUT)],
  ["GET", "/me/requests", undefined, same(SIGN_IN, WITHOUT, WITHOUT, WITHOUT)],
  [
    "PUT",
    "/people/{author}/mute",
    undefined,
    [SIGN_IN, "409 cannot_mute_yourself", "200", "200", NO_PERSON, NO_PERSON],
  ],
  [
    "DELETE",
    "/people/{author}/mute",
    undefined,
    [SIGN_IN, "409 cannot_mute_yourself", "200", "200", NO_PERSON, NO_PERSON],
  ],
  ["PUT", "/me/requests/{author}", undefined, [SIGN_IN, NO_REQUEST, NO_REQUEST, NO_REQUEST, NO_PERSON, NO_PERSON]],
  ["DELETE", "/me/requests/{author}", undefined, [SIGN_IN, "200", "200", "200", NO_PERSON, NO_PERSON]],
  ["DELETE", "/me/followers/{author}", undefined, [SIGN_IN, "200", "200", "200", NO_PERSON, NO_PERSON]],

  // Last, because these change follows and blocks.
  [
    "PUT",
    "/people/{author}/follow",
    undefined,
    [SIGN_IN, "409 cannot_follow_yourself", "200", "409 unblock_first", NO_PERSON, NO_PERSON],
  ],
  [
    "PUT",
    "/people/{author}/bell",
    undefined,
    [SIGN_IN, "409 not_following", "200", "409 not_following", NO_PERSON, NO_PERSON],
  ],
  ["DELETE", "/people/{author}/bell", undefined, [SIGN_IN, "200", "200", "200", NO_PERSON, NO_PERSON]],
  [
    "DELETE",
    "/people/{author}/follow",
    undefined,
    [SIGN_IN, "409 cannot_follow_yourself", "200", "200", NO_PERSON, NO_PERSON],
  ],
  ["PUT", "/people/{author}/block", undefined, same(SIGN_IN, "409 cannot_block_yourself", "200", "200")],
  ["DELETE", "/people/{author}/block", undefined, same(SIGN_IN, "409 cannot_block_yourself", "200", "200")],
];

/** Routes that concern only the viewer, or nobody. For live sockets see workers/api/people/blocks.test.ts. */
const NOT_ABOUT_OTHERS = [
  "POST /people",
  "POST /sessions",
  "DELETE /sessions/current",
  "GET /me",
  "PATCH /me",
  ...OWN_ACCOUNT_ROUTES,
  ...OWN_FILE_ROUTES,
  ...MODERATION_ROUTES,
  "POST /posts",
  "POST /notifications/read",
  "POST /notifications/{notification}/read",
  "GET /notifications/preferences",
  "PUT /notifications/preferences",
  "GET /push-subscriptions/key",
  "PUT /push-subscriptions",
  "DELETE /push-subscriptions",
  "GET /live",
];

it.each(ROLES)("shows exactly what the viewer may see on every path (%s)", async (role) => {
  const world = await newWorld(role);
  const found: Record<string, string> = {};
  const expected: Record<string, string> = {};
  for (const [method, route, body, outcomes] of MATRIX) {
    const name = `${method} ${route} ${body === undefined ? "" : JSON.stringify(body)}`;
    found[name] = await resultOf(world, [method, route, body]);
    expected[name] = outcomes[ROLES.indexOf(role)] ?? "";
  }
  expect(found).toEqual(expected);
});

it("covers every route of the API", async () => {
  const { paths } = await (await ask("GET", "/v1/openapi.json")).json<{ paths: Record<string, object> }>();
  const shape = (route: string) => route.replace(/\?.*/, "").replaceAll(/\{\w+\}/g, "{}");
  const known = new Set([...NOT_ABOUT_OTHERS, ...MATRIX.map(([method, route]) => `${method} ${route}`)].map(shape));
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/^\/v1/, "")}`),
  );
  expect(routes.length).toBeGreaterThan(30);
  expect(routes.filter((route) => !known.has(shape(route)))).toEqual([]);
});
