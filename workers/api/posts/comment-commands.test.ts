import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Comment, CommentPage, Post } from "../../../schema/api/posts.ts";
import { newId, type CommentId } from "../../../schema/ids.ts";
import {
  allPages,
  comment,
  succeed,
  projectAll,
  publish,
  type Someone,
  tokenOf,
} from "../../../tests/runtime/world/api.ts";
import { recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { ask, outcome, signUp } from "../../../tests/runtime/world/people.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function talk() {
  const [author, commenter, third] = await Promise.all([signUp(), signUp(), signUp()]);
  const { id } = await publish(author);
  return { author, commenter, third, post: id, path: `/v1/posts/${id}/comments` };
}

const COMMANDS: Record<string, [method: string, path: string, body?: object]> = {
  edit: ["PATCH", "", { text: "Edited" }],
  like: ["PUT", "/like"],
  unlike: ["DELETE", "/like"],
  pin: ["PUT", "/pin"],
  unpin: ["DELETE", "/pin"],
  hide: ["PUT", "/hidden"],
  restore: ["DELETE", "/hidden"],
  delete: ["DELETE", ""],
};

const OK = "200";
const GONE = "204";
const NOBODY = "401 not_signed_in";
const NOT_YOURS = "403 not_yours";
const NO_COMMENT = "404 comment_not_found";

/** The outcome of each command, for the post's author, the comment's author, a third person and nobody. */
const TABLE: Record<string, Record<keyof typeof COMMANDS, [string, string, string, string]>> = {
  "a comment": {
    edit: [NOT_YOURS, OK, NOT_YOURS, NOBODY],
    like: [OK, OK, OK, NOBODY],
    unlike: [OK, OK, OK, NOBODY],
    pin: [OK, NOT_YOURS, NOT_YOURS, NOBODY],
    unpin: [OK, NOT_YOURS, NOT_YOURS, NOBODY],
    hide: [OK, NOT_YOURS, NOT_YOURS, NOBODY],
    restore: [OK, NOT_YOURS, NOT_YOURS, NOBODY],
    delete: [GONE, GONE, NOT_YOURS, NOBODY],
  },
  "a reply": {
    edit: [NOT_YOURS, OK, NOT_YOURS, NOBODY],
    like: [OK, OK, OK, NOBODY],
    unlike: [OK, OK, OK, NOBODY],
    pin: [NO_COMMENT, NOT_YOURS, NOT_YOURS, NOBODY],
    unpin: [OK, NOT_YOURS, NOT_YOURS, NOBODY],
    hide: [OK, NOT_YOURS, NOT_YOURS, NOBODY],
    restore: [OK, NOT_YOURS, NOT_YOURS, NOBODY],
    delete: [GONE, GONE, NOT_YOURS, NOBODY],
  },
  "a hidden comment": {
    edit: [NOT_YOURS, OK, NO_COMMENT, NOBODY],
    like: [NO_COMMENT, OK, NO_COMMENT, NOBODY], // Its writer must not notice.
    unlike: [NO_COMMENT, OK, NO_COMMENT, NOBODY],
    pin: [NO_COMMENT, NOT_YOURS, NO_COMMENT, NOBODY],
    unpin: [OK, NOT_YOURS, NO_COMMENT, NOBODY],
    hide: [OK, NOT_YOURS, NO_COMMENT, NOBODY],
    restore: [OK, NOT_YOURS, NO_COMMENT, NOBODY],
    delete: [GONE, GONE, NO_COMMENT, NOBODY],
  },
};

it.each(Object.keys(TABLE))("allows only the permitted commands on %s", async (kind) => {
  const { author, commenter, third, post, path } = await talk();
  const fresh = async (): Promise<CommentId> => {
    const top = await comment(commenter, post, "Where?");
    const made = kind === "a reply" ? await comment(commenter, post, "There?", top) : top;
    if (kind === "a hidden comment") await succeed("PUT", `${path}/${made.id}/hidden`, author);
    return made.id;
  };
  const outcomes: Record<string, string[]> = {};
  for (const [command, [method, what, body]] of Object.entries(COMMANDS)) {
    outcomes[command] = await Promise.all(
      [author, commenter, third, undefined].map(async (by) => {
        const answer = await ask(method, `${path}/${await fresh()}${what}`, { ...(by && { token: by.token }), body });
        return answer.status === 204 ? GONE : outcome(answer);
      }),
    );
  }
  expect(outcomes).toEqual(TABLE[kind]);
});

it("responds with the changed comment, and shows the same once it is in D1", async () => {
  const { author, commenter, third, post, path } = await talk();
  const { id } = await comment(commenter, post, "Where?");
  const does = async (command: keyof typeof COMMANDS, by: Someone) => {
    const [method, what, body] = COMMANDS[command] ?? ["GET", ""];
    const answer = await succeed(method, `${path}/${id}${what}`, by, body);
    const changed = await answer.json<Comment>();
    const headers = tokenOf(answer);
    const own = await (await ask("GET", path, { token: by.token, headers })).json<CommentPage>();
    await projectAll(queues, post);
    const projected = await (await ask("GET", path, { token: by.token })).json<CommentPage>();
    expect([own.items, projected.items]).toEqual([[changed], [changed]]);
    return changed;
  };
  expect(await does("edit", commenter)).toMatchObject({ text: "Edited", editedAt: expect.any(String) });
  expect(await does("like", third)).toMatchObject({ likes: 1, likedByMe: true });
  expect(await does("like", third)).toMatchObject({ likes: 1, likedByMe: true });
  expect(await does("like", author)).toMatchObject({ likes: 2, likedByMe: true });
  expect(await does("unlike", third)).toMatchObject({ likes: 1, likedByMe: false });
  expect(await does("unlike", commenter)).toMatchObject({ likes: 1, likedByMe: false });
  expect(await does("pin", author)).toMatchObject({ pinned: true });
  expect(await does("hide", author)).toMatchObject({ hidden: true, pinned: false });
  expect(await does("restore", author)).toMatchObject({ hidden: false, pinned: false, text: "Edited", likes: 1 });
});

it("pins one comment at a time", async () => {
  const { author, commenter, post, path } = await talk();
  const [first, second] = [await comment(commenter, post, "1"), await comment(commenter, post, "2")];
  await succeed("PUT", `${path}/${first.id}/pin`, author);
  await succeed("PUT", `${path}/${second.id}/pin`, author);
  await succeed("DELETE", `${path}/${first.id}/pin`, author); // It is no longer pinned.
  await projectAll(queues, post);
  const pinned = (await allPages(path)).map(({ text, pinned }) => [text, pinned]);
  expect(pinned).toEqual([
    ["2", true],
    ["1", false],
  ]);
});

it("counts every like of a comment once under concurrent likes, unlikes and repetitions", async () => {
  const { author, commenter, third, post, path } = await talk();
  const { id } = await comment(commenter, post, "Where?");
  const like = (method: string, { token }: Someone) => ask(method, `${path}/${id}/like`, { token });
  const storm = [author, commenter, third].flatMap((by) =>
    Array.from({ length: 6 }, (_, n) => like(n % 3 === 1 ? "DELETE" : "PUT", by)),
  );
  for (const answer of await Promise.all(storm)) expect(answer.status).toBe(200);
  for (const by of [author, commenter]) await like("PUT", by);
  await like("DELETE", third);
  await projectAll(queues, post);
  expect(await allPages(path, { as: author })).toMatchObject([{ likes: 2, likedByMe: true }]);
  expect(await allPages(path, { as: third })).toMatchObject([{ likes: 2, likedByMe: false }]);
});

it("ends in the right state when deletions, edits and restorations race", async () => {
  const { author, commenter, third, post, path } = await talk();
  const top = await comment(commenter, post, "Where?");
  const reply = await comment(third, post, "There?", top);
  await comment(author, post, "Stays");
  const send = (method: string, what: string, by: Someone, body?: object) =>
    ask(method, `${path}/${what}`, { token: by.token, body });
  const answers = await Promise.all([
    send("PUT", `${top.id}/hidden`, author),
    send("PATCH", top.id, commenter, { text: "Quick" }),
    send("DELETE", reply.id, author),
    send("DELETE", reply.id, third),
    send("DELETE", `${top.id}/hidden`, author),
    send("PUT", `${top.id}/pin`, author),
    send("PUT", `${reply.id}/like`, author),
    send("DELETE", top.id, commenter),
    send("DELETE", top.id, author),
    send("PATCH", top.id, commenter, { text: "Late" }),
  ]);
  for (const { status } of answers) expect([200, 204, 404]).toContain(status);
  expect(answers.filter(({ status }) => status === 204).length).toBeLessThanOrEqual(2); // At most one for each comment.
  await projectAll(queues, post);
  expect((await allPages(path)).map(({ text }) => text)).toEqual(["Stays"]);
  expect(await (await ask("GET", `/v1/posts/${post}`)).json<Post>()).toMatchObject({ comments: 1 });
  const { verdict } = await (await ask("GET", `/v1/posts/${post}/audit`)).json<{ verdict: string }>();
  expect(verdict).toBe("equal");
});

it("rejects malformed commands and unknown comments", async () => {
  const { commenter, post, path } = await talk();
  const { id } = await comment(commenter, post, "Where?");
  const { token } = commenter;
  const answer = async (method: string, path: string, body?: unknown) =>
    outcome(await ask(method, path, { token, body }));
  expect(await answer("PATCH", `${path}/${id}`, {})).toBe("422 invalid_request");
  expect(await answer("PATCH", `${path}/${id}`, { text: "" })).toBe("422 invalid_request");
  expect(await answer("PATCH", `${path}/${id}`, { text: "x".repeat(1001) })).toBe("422 invalid_request");
  expect(await answer("PATCH", `${path}/nonsense`, { text: "Hi" })).toBe("422 invalid_request");
  expect(await answer("PATCH", `${path}/${newId<CommentId>(5)}`, { text: "Hi" })).toBe(NO_COMMENT);
  expect(await answer("PUT", `/v1/posts/nonsense/comments/${id}/like`)).toBe("422 invalid_request");
  expect(await answer("PUT", `${path}/${id}/__proto__`)).toBe("404 not_found");
  const raw = `{"text":"Edited","author":"x","likes":7,"__proto__":{"state":0},"hidden":true,"pinned":true}`;
  const edited = await (await ask("PATCH", `${path}/${id}`, { token, raw })).json<Comment>();
  expect(edited).toMatchObject({ text: "Edited", likes: 0, hidden: false, pinned: false, author: commenter.person });
});

it("does not let the writer of a hidden comment notice it, from D1 or from the actor", async () => {
  const { author, commenter, third, post, path } = await talk();
  await comment(third, post, "First");
  const { id } = await comment(commenter, post, "Where?");
  await comment(third, post, "Last");
  await projectAll(queues, post);
  const [before] = [await readsOf(path, commenter)];
  await succeed("PUT", `${path}/${id}/hidden`, author);
  await projectAll(queues, post);
  expect(await readsOf(path, commenter)).toEqual(before);

  const edited = await succeed("PATCH", `${path}/${id}`, commenter, { text: "There?" });
  expect(await edited.json()).toMatchObject({ text: "There?", hidden: false });
  const inActor = await (
    await ask("GET", path, { token: commenter.token, headers: tokenOf(edited) })
  ).json<CommentPage>();
  expect(inActor.items.map(({ text, hidden }) => [text, hidden])).toEqual([
    ["First", false],
    ["There?", false],
    ["Last", false],
  ]);
  await succeed("PUT", `${path}/${id}/like`, commenter);
  const reply = await ask("POST", path, { token: commenter.token, body: { text: "Hello?", replyTo: id } });
  expect(await outcome(reply)).toBe("201");
  await projectAll(queues, post);
  expect((await allPages(`${path}/${id}/replies`, { as: commenter })).map(({ text }) => text)).toEqual(["Hello?"]);

  for (const order of ["oldest", "newest", "most_liked"]) {
    const seen = async (as?: Someone) =>
      (await allPages(`${path}?order=${order}`, { ...(as && { as }), limit: 1 })).map(({ text }) => text).toSorted();
    expect(await seen(commenter)).toEqual(["First", "Last", "There?"]);
    expect(await seen(third)).toEqual(["First", "Last"]);
    expect(await seen()).toEqual(["First", "Last"]);
  }
  expect(await outcome(await ask("GET", `${path}/${id}/replies`, { token: third.token }))).toBe(NO_COMMENT);
  const shown = await (await ask("GET", `/v1/posts/${post}`)).json<Post>();
  expect(shown.comments).toBe(2);
  const toAuthor = await (await ask("GET", path, { token: author.token })).json<CommentPage>();
  expect(toAuthor.items.map(({ hidden }) => hidden)).toEqual([false, true, false]);
});

async function readsOf(path: string, by: Someone) {
  const pages = ["oldest", "newest"].map((order) => allPages(`${path}?order=${order}`, { as: by, limit: 2 }));
  return Promise.all(pages);
}

it.each(["author", "spammer"])("lets an author hide what a spammer wrote after a block by the %s", async (blocker) => {
  const { author, commenter: spammer, third, post, path } = await talk();
  const spam = await comment(spammer, post, "Buy this");
  const answer = await comment(third, post, "No", spam);
  const again = await comment(spammer, post, "Now", answer);
  await projectAll(queues, post);
  const [by, other] = blocker === "author" ? [author, spammer] : [spammer, author];
  await succeed("PUT", `/v1/people/${other.person.handle}/block`, by);

  const page = await (await ask("GET", path, { token: author.token })).json<CommentPage>();
  expect(page.items).toMatchObject([{ id: spam.id, author: spammer.person, blocked: true, hidden: false }]);
  const replies = await allPages(`${path}/${spam.id}/replies`, { as: author });
  expect(replies.map(({ id, blocked }) => [id, blocked])).toEqual([
    [answer.id, undefined],
    [again.id, true],
  ]);
  const [toOthers] = (await (await ask("GET", path, { token: third.token })).json<CommentPage>()).items;
  expect(toOthers).not.toHaveProperty("blocked");

  await succeed("PUT", `${path}/${spam.id}/hidden`, author);
  await projectAll(queues, post);
  expect((await (await ask("GET", path, { token: third.token })).json<CommentPage>()).items).toEqual([]);
  const hidden = await succeed("DELETE", `${path}/${spam.id}/hidden`, author);
  const inActor = await (await ask("GET", path, { token: author.token, headers: tokenOf(hidden) })).json<CommentPage>();
  expect(inActor.items).toMatchObject([{ id: spam.id, blocked: true }]);
  expect((await ask("DELETE", `${path}/${spam.id}`, { token: author.token })).status).toBe(204);
});
