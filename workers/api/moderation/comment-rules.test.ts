import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Case } from "../../../schema/api/moderation.ts";
import type { CommentPage, Post } from "../../../schema/api/posts.ts";
import type { PostId } from "../../../schema/ids.ts";
import { Effect } from "../../../schema/messages/effects.ts";
import { recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { comment, projectAll, publish, type Someone, succeed, tokenOf } from "../../../tests/runtime/world/api.ts";
import { ask, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { removeComments } from "../../moderation/remove-comments.ts";
import { resendEffects } from "../../storage/effects.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function moderator(): Promise<Someone> {
  const someone = await signUp();
  const { id } = someone.person;
  await d1Of(env, id).prepare("UPDATE people SET role = 'moderator' WHERE id = ?").bind(id).run();
  return someone;
}

const world = async () => {
  const [author, writer, reader] = [await signUp(), await signUp(), await signUp()];
  const { id: post } = await publish(author);
  await projectAll(queues, post);
  return { author, writer, reader, post };
};

/** The texts of the comments that somebody sees, with an asterisk for those that are shown as hidden. */
async function seen(post: PostId, as?: Someone): Promise<string[]> {
  await projectAll(queues, post);
  const page = await ask("GET", `/v1/posts/${post}/comments`, { ...(as && { token: as.token }) });
  return (await page.json<CommentPage>()).items.map(({ text, hidden }) => (hidden ? `${text}*` : text));
}

const inboxOf = async (by: Someone) =>
  (await (await succeed("GET", "/v1/notifications", by)).json<{ items: { kind: string }[] }>()).items.map(
    ({ kind }) => kind,
  );

it("shows comments of a restricted person to them and the author alone, until the author shows them", async () => {
  const { author, writer, reader, post } = await world();
  await comment(writer, post, "Before");
  const path = `/v1/people/${writer.person.handle}/restriction`;
  await succeed("PUT", path, author);
  await succeed("PUT", path, author);
  const answer = await ask("POST", `/v1/posts/${post}/comments`, { token: writer.token, body: { text: "After" } });
  const made = await answer.json<{ id: string; hidden: boolean }>();
  expect(made.hidden).toBe(false);
  const own = await ask("GET", `/v1/posts/${post}/comments`, { token: writer.token, headers: tokenOf(answer) });
  expect((await own.json<CommentPage>()).items).toHaveLength(2);
  expect(await seen(post, reader)).toEqual(["Before"]);
  expect(await seen(post)).toEqual(["Before"]);
  expect(await seen(post, writer)).toEqual(["Before", "After"]);
  expect(await seen(post, author)).toEqual(["Before", "After*"]);
  expect((await (await succeed("GET", `/v1/posts/${post}`, reader)).json<Post>()).comments).toBe(1);
  await succeed("DELETE", `/v1/posts/${post}/comments/${made.id}/hidden`, author);
  expect(await seen(post, reader)).toEqual(["Before", "After"]);

  const rules = await (await succeed("GET", "/v1/me/comment-rules", author)).json();
  expect(rules).toEqual({ restricted: [writer.person], words: [] });
  await succeed("DELETE", path, author);
  await comment(writer, post, "Free again");
  expect(await seen(post, reader)).toEqual(["Before", "After", "Free again"]);
  const refused = await ask("PUT", `/v1/people/${author.person.handle}/restriction`, { token: author.token });
  expect(await outcome(refused)).toBe("409 cannot_restrict_yourself");
});

it("notifies nobody of a comment that is held back: not the author, the person it answers or those it mentions", async () => {
  const { author, writer, reader, post } = await world();
  const top = await comment(reader, post, "Top");
  await projectAll(queues, post);
  const before = await inboxOf(author);
  await succeed("PUT", `/v1/people/${writer.person.handle}/restriction`, author);
  await comment(writer, post, `Hey @${reader.person.handle}`, top);
  await comment(writer, post, `Hey @${reader.person.handle}`);
  await projectAll(queues, post);
  expect(await inboxOf(author)).toEqual(before);
  expect(await inboxOf(reader)).toEqual([]);
});

it("holds back comments and edits with an author's words, but not the author's own", async () => {
  const { author, writer, reader, post } = await world();
  await succeed("PUT", "/v1/me/comment-rules/words", author, { words: ["spoiler", "spoiler"] });
  await comment(writer, post, "A SPOILER!");
  await comment(author, post, "My spoiler");
  const { id } = await comment(writer, post, "Spoilers are fine");
  expect(await seen(post, reader)).toEqual(["My spoiler", "Spoilers are fine"]);
  expect(await seen(post, author)).toEqual(["A SPOILER!*", "My spoiler", "Spoilers are fine"]);
  const edited = await succeed("PATCH", `/v1/posts/${post}/comments/${id}`, writer, { text: "Now a spoiler" });
  expect(await edited.json()).toMatchObject({ hidden: false });
  expect(await seen(post, reader)).toEqual(["My spoiler"]);
  expect(await seen(post, writer)).toEqual(["A SPOILER!", "My spoiler", "Now a spoiler"]);
  await succeed("PUT", "/v1/me/comment-rules/words", author, { words: [] });
  await comment(writer, post, "spoiler");
  expect(await seen(post, reader)).toEqual(["My spoiler", "spoiler"]);
  const tooMany = { words: Array.from({ length: 101 }, (_, n) => `w${n}`) };
  expect((await ask("PUT", "/v1/me/comment-rules/words", { token: author.token, body: tooMany })).status).toBe(422);
});

it("queues what a filter of the site holds, hides what one hides, and lets no author show either", async () => {
  const [{ author, writer, reader, post }, judge] = [await world(), await moderator()];
  const words = ["hold", "hide"].map((action) => ({ word: `w${crypto.randomUUID()}`, action }));
  const [hold = "", hide = ""] = words.map(({ word }) => word);
  for (const body of words) await succeed("PUT", "/v1/moderation/filters", judge, body);
  const refused = await ask("PUT", "/v1/moderation/filters", { token: author.token, body: words[0] });
  expect(await outcome(refused)).toBe("403 not_a_moderator");

  const held = await comment(writer, post, `Some ${hold}`);
  const hidden = await comment(author, post, `Some ${hide}`);
  expect(await seen(post, reader)).toEqual([]);
  for (const { id } of [held, hidden]) await succeed("DELETE", `/v1/posts/${post}/comments/${id}/hidden`, author);
  expect(await seen(post, reader)).toEqual([]);
  const waiting = await (await succeed("GET", `/v1/moderation/cases/${held.id}`, judge)).json<Case>();
  expect(waiting).toMatchObject({ open: true, reports: 0, version: 0, content: { text: `Some ${hold}` } });
  const none = await ask("GET", `/v1/moderation/cases/${hidden.id}`, { token: judge.token });
  expect(await outcome(none)).toBe("404 case_not_found");

  const keep = { version: 0, decision: "keep", reason: "Fine" };
  await succeed("POST", `/v1/moderation/cases/${held.id}/decision`, judge, keep);
  expect(await seen(post, reader)).toEqual([`Some ${hold}`]);
  expect(await inboxOf(writer)).toEqual([]);
  for (const word of [hold, hide]) await succeed("DELETE", "/v1/moderation/filters", judge, { word });
  await comment(writer, post, hide);
  expect(await seen(post, reader)).toEqual([`Some ${hold}`, hide]);
});

/** Runs the removals that were begun, until none is left, each message twice. */
async function settleRemovals(): Promise<void> {
  const sent: Effect[] = [];
  vi.spyOn(env.EFFECTS, "send").mockImplementation(async (body) => {
    sent.push(Effect.parse(body));
    return undefined as never;
  });
  await resendEffects(env, Date.now() + 3_600_000);
  for (let one = sent.shift(); one; one = sent.shift()) {
    if (one.kind !== "remove_comments") continue;
    await removeComments(env, one);
    if (one.after === undefined) await removeComments(env, one);
  }
}

it("removes one person's comments on the own posts, however many, and no others", async () => {
  const { author, writer, reader, post } = await world();
  const { id: second } = await publish(author);
  const { id: elsewhere } = await publish(reader);
  const actor = env.POSTS.getByName(post);
  for (let n = 0; n < 60; n += 1) await actor.comment({ author: writer.person.id, text: `Spam ${n}` });
  await comment(writer, second, "More", await comment(reader, second, "Mine"));
  await comment(writer, elsewhere, "Stays");
  for (const id of [post, second, elsewhere]) await projectAll(queues, id);
  const removal = await ask("DELETE", `/v1/me/posts/comments/${writer.person.handle}`, { token: author.token });
  expect(removal.status).toBe(202);
  await settleRemovals();
  expect(await seen(post)).toEqual([]);
  expect(await seen(second)).toEqual(["Mine"]);
  expect(await seen(elsewhere)).toEqual(["Stays"]);
  expect((await (await ask("GET", `/v1/posts/${second}`)).json<Post>()).comments).toBe(1);
}, 60_000);

it("lets moderators remove a person's comments everywhere, and logs it", async () => {
  const [{ author, writer, reader, post }, judge] = [await world(), await moderator()];
  const { id: elsewhere } = await publish(reader);
  for (const id of [post, elsewhere]) {
    await comment(writer, id, "Spam");
    await comment(author, id, "Stays");
    await projectAll(queues, id);
  }
  const path = `/v1/moderation/people/${writer.person.handle}/comments/removal`;
  expect((await ask("POST", path, { token: author.token, body: { reason: "x" } })).status).toBe(403);
  await succeed("POST", path, judge, { reason: "Spam" });
  await settleRemovals();
  for (const id of [post, elsewhere]) expect(await seen(id)).toEqual(["Stays"]);
  const log = await d1Of(env, writer.person.id)
    .prepare("SELECT act, actor FROM moderation_log WHERE subject = ?")
    .bind(writer.person.id)
    .all();
  expect(log.results).toEqual([{ act: "remove_comments", actor: judge.person.id }]);
});
