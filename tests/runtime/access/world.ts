/** A small world around an author and a viewer, and what the viewer gets from each operation in it. */
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { fanOut } from "../../../workers/feeds/fan-out.ts";
import type { recordQueues } from "../queues/facts.ts";
import { d1Of } from "../stores/d1.ts";
import { comment, projectAll, publish, type Someone, succeed } from "../world/api.ts";
import { ask, makePrivate, signUp } from "../world/people.ts";
import { writeFollow } from "../world/posts.ts";
import type { Call, Row } from "./outcomes.ts";
import { isBlock, isFollower, isPrivate, type State, type Viewer } from "./viewers.ts";

/** `names` are ids and handles by the names that rows use. `marks` are texts that give the author away. */
export type World = { token: string | undefined; names: Record<string, string>; marks: string[] };

/**
 * Makes an author with a post, another person with one, and a viewer, who all like and comment, then what the viewer is
 * to the author, and the state. `reads` are served before the author becomes private, if that is the state.
 */
export async function newWorld(
  queues: ReturnType<typeof recordQueues>,
  viewer: Viewer,
  state: State,
  reads: readonly Row[],
): Promise<World> {
  const [author, other, someone] = [await signUp(), await signUp(), await signUp()];
  const self = viewer === "author" ? author : someone;
  const { handle } = author.person;
  await writeFollow(author.person.id, other.person.id);
  await writeFollow(other.person.id, author.person.id);
  if (isFollower(viewer) || viewer === "removed") await writeFollow(self.person.id, author.person.id);

  const [{ id: post, media }, { id: third }] = [await publish(author), await publish(other)];
  for (const [by, liked] of [
    [other, post],
    [self, post],
    [author, third],
    [other, third],
  ] as const) {
    await succeed("PUT", `/v1/posts/${liked}/like`, by);
  }
  const theirs = await comment(other, post, "Well");
  await comment(other, post, "And well", theirs);
  const [mine, doomed] = [await comment(self, post, "Mine"), await comment(self, post, "Mine too")];
  const byAuthor = await comment(author, third, "A private person is heard where they speak");
  const toAuthor = await comment(other, third, "Indeed", byAuthor);
  const byOther = await comment(other, third, "Well");
  await comment(other, third, "Yes", await comment(author, third, "Is it?", byOther)); // Its `replyTo` is the author.
  await projectAll(queues, post);
  await projectAll(queues, third);
  await fanOut(env, { post, author: author.person.id });
  if (state === "private") await makePrivate(author.person);
  passTime();

  const names = {
    handle,
    other: other.person.handle,
    post,
    third,
    comment: theirs.id,
    mine: mine.id,
    doomed: doomed.id,
    byAuthor: byAuthor.id,
    toAuthor: toAuthor.id,
    byOther: byOther.id,
    id: media[0]?.id ?? "",
    subject: post,
    session: "0000000000000",
    passkey: "AAAA",
    notification: "comment.0000000000000",
  };
  const world: World = {
    token: viewer === "anonymous" ? undefined : self.token,
    names,
    marks: [author.person.id, post],
  };
  if (state === "newly private") {
    for (const row of reads) await outcomeOf(world, row);
    await succeed("PATCH", "/v1/me", author, { private: true });
  }
  await relate(viewer, state, self, author);
  if (state === "deleted") await succeed("DELETE", `/v1/posts/${post}`, author);
  if (state === "taken down") await decide(post, { post }, "take_down", other);
  if (state === "suspended") await decide(author.person.id, { person: handle }, "suspend", other);
  if (state === "closed") await decide(author.person.id, { person: handle }, "close", other);
  await projectAll(queues, post);
  await writeLate(viewer, self, author, other, post);
  return world;
}

/** Lets this isolate forget what it has read, as another one would have to read it. */
const passTime = (): unknown => vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });

async function relate(viewer: Viewer, state: State, self: Someone, author: Someone): Promise<void> {
  const [me, them] = [self.person.handle, author.person.handle];
  if (viewer === "requester" && isPrivate(state)) await succeed("PUT", `/v1/people/${them}/follow`, self);
  if (viewer === "removed") await succeed("DELETE", `/v1/me/followers/${me}`, author);
  if (viewer === "suspended") await setPerson(self, `suspended_until = ${Date.now() + 86_400_000}`);
  if (viewer === "restricted") await succeed("PUT", `/v1/people/${me}/restriction`, author);
  if (viewer === "moderator") await setPerson(self, "role = 'moderator'");
  if (viewer === "muter") await succeed("PUT", `/v1/people/${them}/mute`, self);
  if (viewer === "blocker" || viewer === "both") await succeed("PUT", `/v1/people/${them}/block`, self);
  if (viewer === "blocked" || viewer === "both") await succeed("PUT", `/v1/people/${me}/block`, author);
}

/** Reports a subject and decides about it as a moderator. */
async function decide(subject: string, report: object, decision: string, reporter: Someone): Promise<void> {
  await succeed("POST", "/v1/reports", reporter, { ...report, reason: "other" });
  const moderator = await signUp();
  await setPerson(moderator, "role = 'moderator'");
  const until = new Date(Date.now() + 86_400_000).toISOString();
  const body = { version: 0, decision, reason: "Because", ...(decision === "suspend" && { until }) };
  await succeed("POST", `/v1/moderation/cases/${subject}/decision`, moderator, body);
}

const setPerson = ({ person }: Someone, change: string) =>
  d1Of(env, person.id).prepare(`UPDATE people SET ${change} WHERE id = ?`).bind(person.id).run();

/** Writes a notification, and for people in a block an entry of the feed, as if they had come late. */
async function writeLate(
  viewer: Viewer,
  { person: self }: Someone,
  { person: author }: Someone,
  { person: other }: Someone,
  post: string,
): Promise<void> {
  const database = d1Of(env, self.id);
  const notify = database.prepare(
    `INSERT INTO notifications (recipient, kind, subject, post, actors, count, version, raised, at)
     VALUES (?1, 'comment', ?2, ?2, json_array(?3), 1, 1, 2, 1) ON CONFLICT DO NOTHING`,
  );
  await notify.bind(self.id, post, other.id).run();
  if (!isBlock(viewer)) return;
  await database
    .prepare("INSERT INTO feed (reader, post, author) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
    .bind(self.id, post, author.id)
    .run();
}

/** Calls an operation as the viewer. Returns what `Outcome` describes. */
export async function outcomeOf(world: World, [operation, , call = {}]: Row): Promise<string> {
  const { token, names, marks } = world;
  const [method = "", path = ""] = operation.split(" ");
  const filled: Record<string, string> = {
    ...names,
    ...Object.fromEntries(Object.entries(call.with ?? {}).map(([to, from]) => [to, names[from] ?? ""])),
  };
  const fill = (text: string) => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => filled[name] ?? "");
  const response = await ask(method, fill(`/v1${path}${call.query ?? ""}`), {
    ...(token !== undefined && { token }),
    ...(call.body !== undefined && { body: JSON.parse(fill(JSON.stringify(call.body))) as unknown }),
    ...(call.raw !== undefined && { raw: call.raw }),
    headers: { ...(call.raw !== undefined && { "content-type": "application/octet-stream" }), ...call.headers },
  });
  const text = await response.text();
  if (response.status >= 400) return problemIn(response.status, text);
  if (method !== "GET") return String(response.status);
  return `${response.status} ${marks.some((mark) => text.includes(`"${mark}"`)) ? "with" : "without"}`;
}

function problemIn(status: number, text: string): string {
  try {
    return `${status} ${(JSON.parse(text) as { code: string }).code}`;
  } catch {
    return String(status);
  }
}

/** The name of a row in a failed assertion. */
export const nameOf = ([operation, , call]: Row): string =>
  call === undefined ? operation : `${operation} ${JSON.stringify(call satisfies Call)}`;
