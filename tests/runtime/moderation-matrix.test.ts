/** What each viewer sees of a post, its comments and its author, on every path, after each decision of moderators. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Post } from "../../schema/api/posts.ts";
import { connect, hangUp } from "./live/live.ts";
import { readyVideo } from "./media/served-media.ts";
import { d1Of } from "./stores/d1.ts";
import { comment, projectAll, publish, type Someone, succeed } from "./world/api.ts";
import { recordQueues } from "./queues/facts.ts";
import { ask, signUp } from "./world/people.ts";
import { writeFollow } from "./world/posts.ts";
import { fanOut } from "../../workers/feeds/fan-out.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  hangUp();
  vi.restoreAllMocks();
});

/** All but `anonymous` and `author` follow the author. `suspended` is a suspended viewer. */
const ROLES = ["anonymous", "author", "other", "writer", "blocked", "moderator", "suspended"] as const;
type Role = (typeof ROLES)[number];
/** `hidden`: the comment was hidden. `suspended` and `closed`: the author was. */
const STATES = ["kept", "taken down", "hidden", "suspended", "closed", "restored"] as const;
type State = (typeof STATES)[number];

/** The specification. */
const seesPost = (role: Role, state: State): boolean => {
  if (role === "author" || role === "moderator") return true;
  return role !== "blocked" && state !== "taken down" && state !== "closed";
};
const seesPerson = (role: Role, state: State): boolean => {
  if (role === "author" || role === "moderator") return true;
  return role !== "blocked" && state !== "closed";
};
const seesComment = (role: Role, state: State): boolean =>
  seesPost(role, state) && (state !== "hidden" || role === "author" || role === "writer");

async function newWorld(role: Role, state: State) {
  const [author, writer, someone, judge] = [await signUp(), await signUp(), await signUp(), await signUp()];
  const viewer = { author, writer }[role as string] ?? someone;
  for (const [person, moderates] of [
    [judge, true],
    [someone, role === "moderator"],
  ] as const) {
    if (moderates) await write(person, "UPDATE people SET role = 'moderator' WHERE id = ?");
  }
  if (role === "suspended") await write(someone, "UPDATE people SET suspended_until = 9e15 WHERE id = ?");
  for (const { person } of [writer, someone]) await writeFollow(person.id, author.person.id);
  const media = [{ id: await readyVideo(author.person.id, { isPublished: false }) }];
  const { id: post, ...shown } = await publish(author, { media });
  const { id: said } = await comment(writer, post, "Said");
  await succeed("PUT", `/v1/posts/${post}/like`, writer);
  await projectAll(queues, post);
  await fanOut(env, { post, author: author.person.id });
  await write(
    viewer,
    `INSERT INTO notifications (recipient, kind, subject, post, actors, count, version, raised, at)
     VALUES (?1, 'new_post', '${post}', '${post}', '["${author.person.id}"]', 1, 1, 2, 1) ON CONFLICT DO NOTHING`,
  );
  const world = {
    viewer,
    token: role === "anonymous" ? undefined : viewer.token,
    names: { author: author.person.handle, post, said, file: shown.media[0]?.urls?.w320 ?? "" },
  };
  if (role === "blocked") await succeed("PUT", `/v1/people/${someone.person.handle}/block`, author);
  for (const route of ROUTES) await resultOf(world, route); // Everything is in the caches when it is decided.
  const watched = await watching(world);
  await judgeIt(state, { judge, reporter: writer, other: judge }, { author, post, said });
  await projectAll(queues, post);
  return { ...world, watched };
}

const write = ({ person }: Someone, sql: string) => d1Of(env, person.id).prepare(sql).bind(person.id).run();

async function judgeIt(
  state: State,
  { judge, reporter, other }: Record<"judge" | "reporter" | "other", Someone>,
  { author, post, said }: { author: Someone; post: Post["id"]; said: string },
): Promise<void> {
  const decide = async (subject: string, report: object, by: Someone, decision: string) => {
    await succeed("POST", "/v1/reports", by, { ...report, reason: "other" });
    const until = new Date(Date.now() + 86_400_000).toISOString();
    const body = { version: 0, decision, reason: "Because", ...(decision === "suspend" && { until }) };
    await succeed("POST", `/v1/moderation/cases/${subject}/decision`, judge, body);
    if (state !== "restored") return;
    await succeed("POST", `/v1/moderation/cases/${subject}/restore`, judge, { version: 1, reason: "Because" });
  };
  const [aPost, aComment, aPerson] = [{ post }, { post, comment: said }, { person: author.person.handle }];
  if (state === "kept") await decide(post, aPost, reporter, "keep");
  if (state === "taken down" || state === "restored") await decide(post, aPost, reporter, "take_down");
  if (state === "hidden" || state === "restored") await decide(said, aComment, other, "hide");
  if (state === "suspended") await decide(author.person.id, aPerson, reporter, "suspend");
  if (state === "closed" || state === "restored") await decide(author.person.id, aPerson, reporter, "close");
}

/** A route, the text that a response with it has, and who sees that. */
type Route = readonly [name: string, path: string, text: string, sees: (role: Role, state: State) => boolean];
const ROUTES: readonly Route[] = [
  ["post", "/v1/posts/{post}", "{post}", seesPost],
  ["comments", "/v1/posts/{post}/comments", "{said}", seesComment],
  ["newest comments", "/v1/posts/{post}/comments?order=newest", "{said}", seesComment],
  ["most liked comments", "/v1/posts/{post}/comments?order=most_liked", "{said}", seesComment],
  ["replies", "/v1/posts/{post}/comments/{said}/replies", "items", seesComment],
  ["likers", "/v1/posts/{post}/likes", "items", seesPost],
  ["audit", "/v1/posts/{post}/audit", "verdict", seesPost],
  ["profile", "/v1/people/{author}", "{author}", seesPerson],
  ["profile's posts", "/v1/people/{author}/posts", "{post}", seesPost],
  ["feed", "/v1/feed", "{post}", (role, state) => seesPost(role, state) && role !== "anonymous"],
  ["notifications", "/v1/notifications", '"new_post.', (role, state) => seesPost(role, state) && role !== "anonymous"],
];

type World = { token: string | undefined; names: Record<string, string> };

/** Whether the viewer sees it. */
async function resultOf({ token, names }: World, [, path, text]: Route): Promise<boolean> {
  const fill = (pattern: string) => pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? "");
  const response = await ask("GET", fill(path), { ...(token !== undefined && { token }) });
  const body = await response.text();
  return response.status === 200 && body.includes(fill(text));
}

/** Opens a socket that watches the post, and returns whether it still does. */
async function watching({ token, names }: World): Promise<() => Promise<boolean>> {
  const client = (await connect({ ...(token !== undefined && { token }) })).watch(names["post"] as Post["id"]);
  await vi.waitFor(() => expect(client.frames.length).toBeGreaterThan(0));
  return async () => {
    await env.POSTS.getByName(names["post"] ?? "").projectAgain(); // A frame follows the next change only.
    return client.frames.at(-1)?.deleted === false;
  };
}

describe.each(STATES)("when the decision is %s", (state) => {
  it.each(ROLES)("shows exactly what the viewer may see on every path (%s)", async (role) => {
    const world = await newWorld(role, state);
    const found: Record<string, boolean> = {};
    const wanted: Record<string, boolean> = {};
    for (const route of ROUTES) {
      const [name, , , sees] = route;
      found[name] = await resultOf(world, route);
      wanted[name] = sees(role, state);
    }
    // A block takes the posts out of the feed, for a moderator too.
    const { author, file } = world.names;
    found["picture"] = (await ask("GET", file, { headers: { accept: "image/webp" } })).status === 200;
    wanted["picture"] = state !== "taken down" && state !== "closed";
    if (state === "closed") {
      const list = await (await ask("GET", "/v1/people?limit=50")).text();
      found["newest people"] = list.includes(`"${author}"`);
      wanted["newest people"] = false;
    }
    if (state === "taken down" || state === "kept") {
      if (!seesPost(role, state)) await vi.waitFor(async () => expect(await world.watched()).toBe(false));
      found["live"] = await world.watched();
      wanted["live"] = seesPost(role, state);
    }
    expect(Object.entries(found).filter(([name, seen]) => seen !== wanted[name])).toEqual([]);
  });
});

it("ends live frames about the posts of a closed account with the next change", async () => {
  const [author, reader, judge] = [await signUp(), await signUp(), await signUp()];
  await write(judge, "UPDATE people SET role = 'moderator' WHERE id = ?");
  const { id: post } = await publish(author);
  await projectAll(queues, post);
  const client = (await connect({ token: reader.token })).watch(post);
  await client.until(1);
  await succeed("POST", "/v1/reports", reader, { person: author.person.handle, reason: "other" });
  const body = { version: 0, decision: "close", reason: "Because" };
  await succeed("POST", `/v1/moderation/cases/${author.person.id}/decision`, judge, body);
  await env.POSTS.getByName(post).like(judge.person.id);
  await client.untilDeleted(post);
});
