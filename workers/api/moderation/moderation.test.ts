import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Case, CasePage, LogEntry, OwnDecision } from "../../../schema/api/moderation.ts";
import type { CommentPage, Post } from "../../../schema/api/posts.ts";
import { FOREVER } from "../../../schema/moderation.ts";
import { connect, hangUp } from "../../../tests/runtime/live/live.ts";
import { recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { readyVideo } from "../../../tests/runtime/media/served-media.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { comment, projectAll, publish, type Someone, succeed } from "../../../tests/runtime/world/api.ts";
import { ask, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { enforceDecision } from "../../moderation/enforce-decision.ts";
import { caseOf } from "../../moderation/cases.ts";
import { sweepModeration } from "../../moderation/sweep.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  hangUp();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const picture = (path: string) => ask("GET", path, { headers: { accept: "image/webp" } });

const DAY = 86_400_000;

async function withRole(role: string): Promise<Someone> {
  const someone = await signUp();
  await giveRole(someone, role);
  return someone;
}

const giveRole = ({ person }: Someone, role: string) =>
  d1Of(env, person.id).prepare("UPDATE people SET role = ? WHERE id = ?").bind(role, person.id).run();

const report = (by: Someone, body: object) =>
  ask("POST", "/v1/reports", { token: by.token, body: { reason: "spam", ...body } });

async function decide(by: Someone, subject: string, body: object) {
  return ask("POST", `/v1/moderation/cases/${subject}/decision`, {
    token: by.token,
    body: { version: 0, reason: "Not here", ...body },
  });
}

const caseFor = async (by: Someone, subject: string) =>
  (await succeed("GET", `/v1/moderation/cases/${subject}`, by)).json<Case>();

/** Finds a case in the queue, which other tests fill too. */
async function queued(by: Someone, subject: string): Promise<Case | undefined> {
  for (let cursor = ""; ;) {
    const page = await (await succeed("GET", `/v1/moderation/queue?limit=50${cursor}`, by)).json<CasePage>();
    const found = page.items.find((item) => item.subject === subject);
    if (found || !page.next) return found;
    cursor = `&cursor=${page.next}`;
  }
}

async function reportedPost() {
  const [author, reader, moderator] = [await signUp(), await signUp(), await withRole("moderator")];
  const media = [{ id: await readyVideo(author.person.id, { isPublished: false }) }];
  const post = await publish(author, { caption: "Buy this", media });
  await projectAll(queues, post.id);
  expect((await report(reader, { post: post.id, words: "An advert" })).status).toBe(202);
  return { author, reader, moderator, post: post.id };
}

it("queues a report with its content as it was, once for each reporter, and names none of them", async () => {
  const { author, reader, moderator, post } = await reportedPost();
  expect((await report(reader, { post, reason: "hate", words: "Worse" })).status).toBe(202);
  const other = await signUp();
  await report(other, { post });
  await succeed("PATCH", `/v1/posts/${post}`, author, { caption: "A sunset" });

  const found = await queued(moderator, post);
  expect(found).toMatchObject({
    kind: "post",
    person: author.person,
    reports: 2,
    reasons: { hate: 1, spam: 1 },
    content: { text: "Buy this" },
    current: { text: "A sunset" },
    edited: true,
    open: true,
    inForce: false,
    version: 0,
  });
  expect(found?.words.map(({ words }) => words).toSorted()).toEqual(["", "Worse"]);
  const text = JSON.stringify(found);
  for (const { person } of [reader, other]) expect(text).not.toContain(person.id);
});

it("refuses reports of what the reporter cannot see, of oneself, and without words or reason", async () => {
  const { author, reader, post } = await reportedPost();
  const answer = async (by: Someone, body: object) => {
    const response = await report(by, body);
    return response.status === 202 ? "202" : outcome(response);
  };
  expect(await answer(author, { post })).toBe("409 cannot_report_yourself");
  expect(await answer(author, { person: author.person.handle })).toBe("409 cannot_report_yourself");
  expect(await answer(reader, { person: author.person.handle })).toBe("202");
  expect(await answer(reader, { person: "nobody_at_all_here" })).toBe("404 person_not_found");
  expect(await answer(reader, { post, reason: "dislike" })).toBe("422 invalid_request");
  expect(await answer(reader, { post, words: "x".repeat(1001) })).toBe("422 invalid_request");
  expect(await answer(reader, {})).toBe("422 invalid_request");
  expect(await answer(reader, { post, person: author.person.handle })).toBe("422 invalid_request");
  expect(await answer(reader, { comment: post })).toBe("422 invalid_request");
  const said = await comment(author, post, "Mine");
  expect(await answer(author, { post, comment: said.id })).toBe("409 cannot_report_yourself");
  expect(await answer(reader, { post, comment: said.id })).toBe("202");
  await succeed("PUT", `/v1/posts/${post}/comments/${said.id}/hidden`, author);
  expect(await answer(await signUp(), { post, comment: said.id })).toBe("404 comment_not_found");
  await succeed("PUT", `/v1/people/${reader.person.handle}/block`, author);
  expect(await answer(reader, { post })).toBe("404 post_not_found");
  await ask("DELETE", `/v1/posts/${post}`, { token: author.token });
  expect(await answer(await signUp(), { post })).toBe("404 post_not_found");
});

it("lets only moderators act, until the role is taken away", async () => {
  const { author, reader, moderator, post } = await reportedPost();
  const acts = async (by: Someone | undefined) => {
    const sent = { ...(by && { token: by.token }) };
    return Promise.all(
      [
        ask("GET", "/v1/moderation/queue", sent),
        ask("GET", `/v1/moderation/cases/${post}`, sent),
        ask("POST", `/v1/moderation/cases/${post}/decision`, {
          ...sent,
          body: { version: 9, decision: "warn", reason: "x" },
        }),
        ask("POST", `/v1/moderation/cases/${post}/restore`, { ...sent, body: { version: 9, reason: "x" } }),
        ask("GET", "/v1/moderation/log", sent),
      ].map(async (response) => outcome(await response)),
    );
  };
  const refused = "403 not_a_moderator";
  for (const by of [author, reader]) expect(await acts(by)).toEqual([refused, refused, refused, refused, refused]);
  expect(new Set(await acts(undefined))).toEqual(new Set(["401 not_signed_in"]));
  const late = "409 already_decided";
  expect(await acts(moderator)).toEqual(["200", "200", late, late, refused]);
  expect((await acts(await withRole("operator")))[4]).toBe("200");
  await giveRole(moderator, "none");
  expect(await acts(moderator)).toEqual([refused, refused, refused, refused, refused]);
});

it("takes a post down for everybody but its author, who reads why, answers once, and gets it back unchanged", async () => {
  const { author, reader, moderator, post } = await reportedPost();
  await succeed("PUT", `/v1/posts/${post}/like`, reader);
  await comment(reader, post, "Nice");
  await projectAll(queues, post);
  const before = await (await succeed("GET", `/v1/posts/${post}`, reader)).json<Post>();
  const file = before.media[0]?.urls?.w320 ?? "";
  expect((await picture(file)).status).toBe(200);
  const watcher = (await connect({ token: reader.token })).watch(post);
  await vi.waitFor(() => expect(watcher.frames.length).toBeGreaterThan(0));

  const decided = await decide(moderator, post, { decision: "take_down", reason: "An advert" });
  expect(await decided.json()).toMatchObject({ open: false, inForce: true, action: "take_down", version: 1 });
  expect(await queued(moderator, post)).toBeUndefined();
  await watcher.untilDeleted(post);
  expect(await outcome(await ask("GET", `/v1/posts/${post}`, { token: reader.token }))).toBe("404 post_not_found");
  expect(await outcome(await ask("PUT", `/v1/posts/${post}/like`, { token: reader.token }))).toBe("404 post_not_found");
  expect((await picture(file)).status).toBe(404);

  const own = await (await succeed("GET", `/v1/posts/${post}`, author)).json<Post>();
  expect(own).toMatchObject({ takenDown: true });
  expect((await picture(own.media[0]?.urls?.w320 ?? "")).status).toBe(200);
  const toModerator = await caseFor(moderator, post);
  expect((await picture(toModerator.content.media?.[0]?.urls?.w320 ?? "")).status).toBe(200);
  const why = await (await succeed("GET", `/v1/me/decisions/${post}`, author)).json<OwnDecision>();
  expect(why).toMatchObject({ action: "take_down", reason: "An advert", inForce: true, mayAnswer: true });
  const inbox = await (await succeed("GET", "/v1/notifications", author)).json<{ items: object[]; unread: number }>();
  expect(inbox.items[0]).toMatchObject({ kind: "moderation", subject: post, excerpt: "An advert", actors: [] });

  const answer = (text: string) =>
    ask("POST", `/v1/me/decisions/${post}/answer`, { token: author.token, body: { text } });
  expect(await (await answer("It is art")).json()).toMatchObject({ mayAnswer: false, appeal: { text: "It is art" } });
  expect(await outcome(await answer("And again"))).toBe("409 already_answered");
  const asked = await queued(moderator, post);
  expect(asked).toMatchObject({ appeal: { text: "It is art" }, version: 1 });
  await succeed("POST", `/v1/moderation/cases/${post}/restore`, moderator, { version: 1, reason: "You are right" });
  const after = await (await succeed("GET", `/v1/posts/${post}`, reader)).json<Post>();
  expect({ ...after, seq: 0 }).toEqual({ ...before, seq: 0 });
  const comments = await (await succeed("GET", `/v1/posts/${post}/comments`, reader)).json<CommentPage>();
  expect(comments.items).toHaveLength(1);
  vi.useFakeTimers({ now: Date.now() + 1100, toFake: ["Date"] }); // Its absence is believed for a second.
  expect((await picture(file)).status).toBe(200);
});

it("hides a comment so that the post's author cannot show it, and restores what was before", async () => {
  const [author, writer, reader, moderator] = [
    await signUp(),
    await signUp(),
    await signUp(),
    await withRole("moderator"),
  ];
  const { id: post } = await publish(author);
  const { id } = await comment(writer, post, "Rude");
  await projectAll(queues, post);
  await report(reader, { post, comment: id });
  const seen = async (by: Someone) => {
    await projectAll(queues, post);
    const { items } = await (await succeed("GET", `/v1/posts/${post}/comments`, by)).json<CommentPage>();
    return items.map(({ hidden }) => hidden);
  };
  await succeed("PUT", `/v1/posts/${post}/comments/${id}/hidden`, author);
  expect((await decide(moderator, id, { decision: "hide" })).status).toBe(200);
  expect(await seen(reader)).toEqual([]);
  await succeed("DELETE", `/v1/posts/${post}/comments/${id}/hidden`, author);
  expect(await seen(author)).toEqual([true]);
  expect(await seen(reader)).toEqual([]);
  expect(await seen(writer)).toEqual([false]);
  await succeed("PUT", `/v1/posts/${post}/comments/${id}/hidden`, author);
  await succeed("POST", `/v1/moderation/cases/${id}/restore`, moderator, { version: 1, reason: "Fine" });
  expect(await seen(reader)).toEqual([]); // Its post's author hides it still.
  await succeed("DELETE", `/v1/posts/${post}/comments/${id}/hidden`, author);
  expect(await seen(reader)).toEqual([false]);
});

it("lets a suspended person read, see why and answer, and write nothing until it ends", async () => {
  const { author, moderator, post, reader } = await reportedPost();
  const until = new Date(Date.now() + 2 * DAY).toISOString();
  expect((await decide(moderator, post, { decision: "suspend", until, reason: "Adverts" })).status).toBe(200);
  const me = await (await succeed("GET", "/v1/me", author)).json<{ suspended?: { until: string } }>();
  expect(me.suspended).toEqual({ until });
  await succeed("GET", "/v1/feed", author);
  expect((await ask("GET", `/v1/posts/${post}`, { token: reader.token })).status).toBe(200);
  const { id: theirs } = await publish(reader);
  const writes: [string, string, object?][] = [
    ["POST", "/v1/posts", { media: [{ id: theirs }] }],
    ["PATCH", `/v1/posts/${post}`, { caption: "x" }],
    ["DELETE", `/v1/posts/${post}`],
    ["PUT", `/v1/posts/${theirs}/like`],
    ["DELETE", `/v1/posts/${theirs}/like`],
    ["POST", `/v1/posts/${theirs}/comments`, { text: "Hi" }],
    ["PUT", `/v1/people/${reader.person.handle}/follow`],
    ["PUT", `/v1/people/${reader.person.handle}/block`],
    ["PATCH", "/v1/me", { name: "Somebody else" }],
    ["POST", "/v1/reports", { post: theirs, reason: "spam" }],
    ["POST", "/v1/uploads"],
  ];
  for (const [method, path, body] of writes) {
    const answer = await ask(method, path, { token: author.token, ...(body && { body }) });
    expect(`${method} ${path} ${await outcome(answer)}`).toBe(`${method} ${path} 403 suspended`);
  }
  await succeed("POST", "/v1/notifications/read", author, { upTo: new Date().toISOString() });
  await succeed("POST", `/v1/me/decisions/${post}/answer`, author, { text: "Sorry" });
  expect((await ask("DELETE", "/v1/sessions/current", { token: author.token })).status).toBe(204);

  const again = await signUp();
  const other = await publish(again);
  await projectAll(queues, other.id);
  await report(reader, { post: other.id });
  await decide(moderator, other.id, { decision: "suspend", until });
  vi.useFakeTimers({ now: Date.now() + 3 * DAY, toFake: ["Date"] });
  expect((await ask("PUT", `/v1/posts/${other.id}/like`, { token: again.token })).status).toBe(200);
});

it("undoes one suspension and leaves another in force", async () => {
  const { author, moderator, post, reader } = await reportedPost();
  await report(reader, { person: author.person.handle });
  const [soon, later] = [1, 5].map((days) => new Date(Date.now() + days * DAY).toISOString());
  await decide(moderator, post, { decision: "suspend", until: later });
  await decide(moderator, author.person.id, { decision: "suspend", until: soon });
  const suspended = async () =>
    (await (await succeed("GET", "/v1/me", author)).json<{ suspended?: { until: string | null } }>()).suspended?.until;
  expect(await suspended()).toBe(later);
  const restore = (subject: string) =>
    succeed("POST", `/v1/moderation/cases/${subject}/restore`, moderator, { version: 1, reason: "Enough" });
  await restore(post);
  expect(await suspended()).toBe(soon);
  await decide(moderator, author.person.id, { version: 1, decision: "close" });
  expect(await suspended()).toBe(null);
  await succeed("POST", `/v1/moderation/cases/${author.person.id}/restore`, moderator, {
    version: 2,
    reason: "Enough",
  });
  expect(await suspended()).toBeUndefined();
});

it("gives simultaneous decisions and answers one outcome", async () => {
  const { author, moderator, post } = await reportedPost();
  const second = await withRole("moderator");
  const decided = await Promise.all([
    decide(moderator, post, { decision: "take_down" }),
    decide(second, post, { decision: "keep" }),
    decide(second, post, { decision: "warn" }),
    decide(moderator, post, { decision: "take_down" }),
  ]);
  const { action, version } = await caseFor(moderator, post);
  expect(version).toBe(1);
  const accepted = decided.filter(({ status }) => status === 200).length;
  expect(accepted).toBe(action === "take_down" ? 2 : 1); // A repetition succeeds, and changes nothing.
  await caseFor(moderator, post);
  if (action !== "take_down") await decide(moderator, post, { version: 1, decision: "take_down" });
  const answers = await Promise.all(
    ["One", "Two", "Three"].map((text) =>
      ask("POST", `/v1/me/decisions/${post}/answer`, { token: author.token, body: { text } }),
    ),
  );
  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(["200", "409", "409"]);
  const log = await d1Of(env, author.person.id)
    .prepare("SELECT act FROM moderation_log WHERE subject = ? ORDER BY id")
    .bind(post)
    .all<{ act: string }>();
  expect(log.results).toHaveLength(action === "take_down" ? 1 : 2);
});

it("survives a report and a decision about what is being deleted", async () => {
  const { author, reader, moderator, post } = await reportedPost();
  const other = await signUp();
  const [, reported, decided] = await Promise.all([
    ask("DELETE", `/v1/posts/${post}`, { token: author.token }),
    report(other, { post }),
    decide(moderator, post, { decision: "take_down" }),
  ]);
  expect([202, 404]).toContain(reported.status);
  expect(decided.status).toBe(200);
  const { current } = await caseFor(moderator, post);
  expect(current).toBeNull();
  await succeed("POST", `/v1/moderation/cases/${post}/restore`, moderator, { version: 1, reason: "x" });
  for (const by of [author, reader, moderator])
    expect(await outcome(await ask("GET", `/v1/posts/${post}`, { token: by.token }))).toBe("404 post_not_found");
});

it("applies decisions that are delivered late or twice by their version", async () => {
  const { author, reader, moderator, post } = await reportedPost();
  await decide(moderator, post, { decision: "take_down" });
  const old = await caseOf(env, post);
  await succeed("POST", `/v1/moderation/cases/${post}/restore`, moderator, { version: 1, reason: "x" });
  await enforceDecision(env, { id: "" as never, subject: post }, old);
  await enforceDecision(env, { id: "" as never, subject: post }, await caseOf(env, post));
  expect((await ask("GET", `/v1/posts/${post}`, { token: reader.token })).status).toBe(200);
  const why = await (await succeed("GET", `/v1/me/decisions/${post}`, author)).json<OwnDecision>();
  expect(why).toMatchObject({ action: "restore", inForce: false, mayAnswer: false });
});

it("does not let a moderator decide about themselves, or what does not fit", async () => {
  const [moderator, reader, second] = [await withRole("moderator"), await signUp(), await withRole("moderator")];
  const { id: post } = await publish(moderator);
  await projectAll(queues, post);
  await report(reader, { post });
  const answer = async (by: Someone, body: object) => outcome(await decide(by, post, body));
  expect(await answer(moderator, { decision: "keep" })).toBe("409 decision_not_possible");
  expect(await answer(second, { decision: "hide" })).toBe("409 decision_not_possible");
  expect(await answer(second, { decision: "suspend" })).toBe("409 decision_not_possible");
  expect(await answer(second, { decision: "uphold" })).toBe("409 decision_not_possible");
  expect(await answer(second, { decision: "warn", reason: "" })).toBe("422 invalid_request");
  const restore = await ask("POST", `/v1/moderation/cases/${post}/restore`, {
    token: second.token,
    body: { version: 0, reason: "x" },
  });
  expect(await outcome(restore)).toBe("409 nothing_to_restore");
  expect(await answer(second, { decision: "keep" })).toBe("200");
  const inbox = await (await succeed("GET", "/v1/notifications", moderator)).json<{ items: { kind: string }[] }>();
  expect(inbox.items.filter(({ kind }) => kind === "moderation")).toEqual([]);
  expect(await outcome(await ask("GET", `/v1/me/decisions/${post}`, { token: moderator.token }))).toBe(
    "404 decision_not_found",
  );
});

it("shows operators every act, pages of it, and refuses to change or lose one", async () => {
  const { author, moderator, post } = await reportedPost();
  const operator = await withRole("operator");
  await decide(moderator, post, { decision: "warn", reason: "Once" });
  await decide(moderator, post, { version: 1, decision: "take_down", reason: "Twice" });
  const acts: LogEntry[] = [];
  for (let cursor = ""; acts.filter(({ subject }) => subject === post).length < 2;) {
    const page = await (
      await succeed("GET", `/v1/moderation/log?limit=1${cursor}`, operator)
    ).json<{
      items: LogEntry[];
      next?: string;
    }>();
    acts.push(...page.items);
    if (!page.next) break;
    cursor = `&cursor=${page.next}`;
  }
  const mine = acts.filter(({ subject }) => subject === post);
  expect(mine).toMatchObject([
    { act: "take_down", reason: "Twice", actor: moderator.person, person: author.person },
    { act: "warn", reason: "Once" },
  ]);
  const database = d1Of(env, author.person.id);
  await expect(database.prepare("UPDATE moderation_log SET reason = ''").run()).rejects.toThrow("only added to");
  await expect(database.prepare("DELETE FROM moderation_log").run()).rejects.toThrow("kept for a year");
});

it("sweeps what is old, but nothing that is in force or waits", async () => {
  const { author, moderator, post } = await reportedPost();
  const other = await publish(author);
  await projectAll(queues, other.id);
  const reader = await signUp();
  await report(reader, { post: other.id });
  await report(reader, { person: author.person.handle });
  await decide(moderator, post, { decision: "take_down" });
  await decide(moderator, other.id, { decision: "keep" });
  for (let sweeps = 0; sweeps < 3; sweeps += 1) await sweepModeration(env, Date.now() + 364 * DAY);
  expect((await caseFor(moderator, other.id)).words).toEqual([]);
  for (let sweeps = 0; sweeps < 3; sweeps += 1) await sweepModeration(env, Date.now() + 365.5 * DAY);
  expect(await outcome(await ask("GET", `/v1/moderation/cases/${other.id}`, { token: moderator.token }))).toBe(
    "404 case_not_found",
  );
  expect(await caseFor(moderator, post)).toMatchObject({ inForce: true });
  expect(await caseFor(moderator, author.person.id)).toMatchObject({ open: true });
  expect(FOREVER).toBeGreaterThan(Date.now());
});

it("gives and takes roles by the operator's token, and logs it", async () => {
  const { person, token } = await signUp();
  const admin = { ...env, ADMIN_TOKEN: "secret" } as Env;
  const set = (role: string, secret = "secret") =>
    ask("POST", "/v1/admin/roles", { token: secret, body: { handle: person.handle, role }, env: admin });
  expect((await set("moderator", "wrong")).status).toBe(401);
  expect(await (await set("moderator")).json()).toMatchObject({ role: "moderator" });
  expect((await ask("GET", "/v1/moderation/queue", { token })).status).toBe(200);
  await set("none");
  expect(await outcome(await ask("GET", "/v1/moderation/queue", { token }))).toBe("403 not_a_moderator");
  expect((await set("king")).status).toBe(422);
  const { results } = await d1Of(env, person.id)
    .prepare("SELECT details FROM moderation_log WHERE subject = ? ORDER BY id")
    .bind(person.id)
    .all<{ details: string }>();
  expect(results.map(({ details }) => details)).toEqual(['{"role":"moderator"}', '{"role":"none"}']);
});
