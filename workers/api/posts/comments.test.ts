import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PersonCard } from "../../../schema/api/people.ts";
import type { Comment, CommentPage } from "../../../schema/api/posts.ts";
import { type CommentId, newId, type PersonId, type PostId } from "../../../schema/ids.ts";
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
import { writeFollow } from "../../../tests/runtime/world/posts.ts";
import { warmD1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { encodeCursor } from "../../http/cursors.ts";
import { bindingOf } from "../../../schema/d1/shards.ts";
import { issue } from "../../storage/issued-tokens.ts";

// Queues deliver only when a test does it.
let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Creates three people and a post of the first; returns the path of its comments. */
async function talk() {
  const [ada, ben, cleo] = await Promise.all([signUp(), signUp(), signUp()]);
  const { id } = await publish(ada);
  return { ada, ben, cleo, post: id, path: `/v1/posts/${id}/comments` };
}
type PeoplePage = { items: PersonCard[]; next?: string };
const texts = (comments: Comment[]) => comments.map(({ text }) => text);
const replies = (path: string, { id }: Comment, as?: Someone, headers = {}) =>
  allPages(`${path}/${id}/replies`, { ...(as && { as }), headers });

/** A token with which reads come from the actor, because D1 never reaches its `seq`. */
const behind = (post: PostId) => tokenWith([[post, 1_000_000]]);

/** The header with a token of this deployment that names `posts`. */
const tokenWith = async (posts: unknown) => ({
  "Consistency-Token": await issue(env, "consistency", btoa(JSON.stringify({ posts, databases: [] }))),
});

describe.each(["D1", "the actor"])("comments, read from %s,", (source) => {
  /** Brings the source up to date, and returns the headers to read with. */
  async function ready(post: PostId): Promise<Record<string, string>> {
    if (source === "the actor") return behind(post);
    await projectAll(queues, post);
    return {};
  }

  it("form threads of two levels, and a reply names the person it answers", async () => {
    const { ada, ben, cleo, post, path } = await talk();
    const top = await comment(ben, post, "Where is this?");
    const reply = await comment(ada, post, "At home", top);
    await comment(cleo, post, "Really?", reply);
    await comment(cleo, post, "Lovely");
    const headers = await ready(post);

    const comments = await allPages(path, { headers });
    expect(comments).toMatchObject([
      { text: "Where is this?", replies: 2, author: ben.person },
      { text: "Lovely", replies: 0, author: cleo.person },
    ]);
    for (const { parent, replyTo } of comments) expect([parent, replyTo]).toEqual([undefined, undefined]);
    expect(await replies(path, top, undefined, headers)).toMatchObject([
      { text: "At home", parent: top.id, replyTo: ben.person, replies: 0 },
      { text: "Really?", parent: top.id, replyTo: ada.person, replies: 0 },
    ]);
    expect((await (await ask("GET", `/v1/posts/${post}`, { headers })).json<{ comments: number }>()).comments).toBe(4);
    expect(await outcome(await ask("GET", `${path}/${reply.id}/replies`, { headers }))).toBe("404 comment_not_found");
  });

  it("are paged without gaps or repeats while others are added, the pinned one first and once", async () => {
    const { ada, ben, post, path } = await talk();
    const made: Comment[] = [];
    for (let n = 0; n < 7; n += 1) made.push(await comment(ben, post, String(n)));
    const [, , , , pinned] = made;
    await succeed("PUT", `${path}/${pinned?.id}/pin`, ada);
    const headers = await ready(post);
    const between = async () => {
      await comment(ben, post, "meanwhile");
      await ready(post);
    };
    const walk = async (order: string, limit: number) =>
      texts(await allPages(`${path}?order=${order}`, { limit, between, headers })).filter(
        (text) => text !== "meanwhile",
      );
    expect(await walk("oldest", 3)).toEqual(["4", "0", "1", "2", "3", "5", "6"]);
    expect(await walk("newest", 2)).toEqual(["4", "6", "5", "3", "2", "1", "0"]);
    for (const limit of [1, 2, 6, 7]) {
      const whole = await allPages(path, { limit, headers });
      expect(whole[0]).toMatchObject({ text: "4", pinned: true });
      expect(texts(whole).filter((text) => text !== "meanwhile")).toEqual(["4", "0", "1", "2", "3", "5", "6"]);
    }
  });

  it("are hidden from everyone but the post's author and their writer, with their replies", async () => {
    const { ada, ben, cleo, post, path } = await talk();
    const rude = await comment(ben, post, "Rude");
    await comment(cleo, post, "Ruder", rude);
    const kind = await comment(cleo, post, "Kind");
    const reply = await comment(ben, post, "Also rude", kind);
    for (const { id } of [rude, reply]) await succeed("PUT", `${path}/${id}/hidden`, ada);
    const headers = await ready(post);

    for (const reader of [cleo, undefined]) {
      const as = reader && { as: reader };
      expect(texts(await allPages(path, { ...as, headers }))).toEqual(["Kind"]);
      expect(await replies(path, kind, reader, headers)).toEqual([]);
      const asked = { ...(reader && { token: reader.token }), headers };
      expect(await outcome(await ask("GET", `${path}/${rude.id}/replies`, asked))).toBe("404 comment_not_found");
      const post = await (await ask("GET", path.slice(0, -"/comments".length), asked)).json();
      expect(post).toMatchObject({ comments: 1 });
    }
    expect(await allPages(path, { as: ada, headers })).toMatchObject([
      { text: "Rude", hidden: true, replies: 1 },
      { text: "Kind", hidden: false, replies: 0 },
    ]);
    expect(texts(await replies(path, rude, ada, headers))).toEqual(["Ruder"]);
    expect(await replies(path, kind, ada, headers)).toMatchObject([{ text: "Also rude", hidden: true }]);
    const toBen = await allPages(path, { as: ben, headers });
    expect(toBen.map(({ text, hidden }) => [text, hidden])).toEqual([
      ["Rude", false],
      ["Kind", false],
    ]);
    expect(texts(await replies(path, rude, ben, headers))).toEqual(["Ruder"]);
    expect(await replies(path, kind, ben, headers)).toMatchObject([{ text: "Also rude", hidden: false }]);
  });

  it("are gone for everyone when deleted, with their replies", async () => {
    const { ada, ben, cleo, post, path } = await talk();
    const top = await comment(ben, post, "Where is this?");
    const reply = await comment(cleo, post, "At home", top);
    await succeed("DELETE", `${path}/${top.id}`, ben);
    const headers = await ready(post);
    for (const { token } of [ada, ben, cleo]) {
      const answer = async (method: string, path: string, body?: unknown) =>
        outcome(await ask(method, path, { token, headers, body }));
      expect(await (await ask("GET", path, { token, headers })).json()).toMatchObject({ items: [] });
      expect(await answer("GET", `${path}/${top.id}/replies`)).toBe("404 comment_not_found");
      for (const { id } of [top, reply]) {
        expect(await answer("PATCH", `${path}/${id}`, { text: "Back" })).toBe("404 comment_not_found");
        expect(await answer("PUT", `${path}/${id}/like`)).toBe("404 comment_not_found");
        expect(await answer("PUT", `${path}/${id}/hidden`)).toBe("404 comment_not_found");
        expect(await answer("DELETE", `${path}/${id}`)).toBe("404 comment_not_found");
        expect(await answer("POST", path, { text: "Hello?", replyTo: id })).toBe("404 comment_not_found");
      }
    }
  });
});

it("ranks the most liked first, and rejects forged cursors", async () => {
  const { ada, ben, cleo, post, path } = await talk();
  const made: Comment[] = [];
  for (let n = 0; n < 5; n += 1) made.push(await comment(ben, post, String(n)));
  const like = (n: number, by: Someone) => succeed("PUT", `${path}/${made[n]?.id}/like`, by);
  await Promise.all([like(1, ada), like(1, ben), like(1, cleo), like(3, ada), like(4, cleo)]);
  await projectAll(queues, post);
  const ranked = `${path}?order=most_liked`;
  expect(texts(await allPages(ranked, { limit: 2 }))).toEqual(["1", "4", "3", "2", "0"]);
  expect((await allPages(ranked, { as: ada })).map(({ likedByMe }) => likedByMe)).toEqual([
    true,
    false,
    true,
    false,
    false,
  ]);

  const id = made[2]?.id ?? "";
  const from = async (parts: string[]) => ask("GET", `${ranked}&cursor=${encodeCursor(parts)}`);
  expect(texts((await (await from([id, "0"])).json<CommentPage>()).items)).toEqual(["0"]);
  expect(texts((await (await from([id, "9999999999"])).json<CommentPage>()).items)).toHaveLength(5);
  for (const likes of ["", "-1", "1e9", "NaN", "99999999999", "1;--", " 1", "0x1", "１"]) {
    expect(await outcome(await from([id, likes])), likes).toBe("400 invalid_cursor");
  }
  for (const parts of [[id], [id, "1", "1"], ["", "1"], ["' OR 1=1 --", "1"], [id.toUpperCase(), "1"]]) {
    expect(await outcome(await from(parts)), String(parts)).toBe("400 invalid_cursor");
  }
  expect(await outcome(await ask("GET", `${path}?order=random`))).toBe("422 invalid_request");
  expect(await outcome(await ask("GET", `${path}?order=__proto__`))).toBe("422 invalid_request");
});

it("enforces the post's comment policy", async () => {
  const [ada, ben, cleo] = await Promise.all([signUp(), signUp(), signUp()]);
  await writeFollow(ben.person.id, ada.person.id);
  const { id } = await publish(ada);
  const table = {
    everyone: ["201", "201", "201"],
    followers: ["201", "201", "403 followers_only"],
    off: ["201", "403 comments_off", "403 comments_off"],
  };
  for (const [commentPolicy, expected] of Object.entries(table)) {
    await succeed("PATCH", `/v1/posts/${id}`, ada, { commentPolicy });
    const answers: string[] = [];
    for (const { token } of [ada, ben, cleo]) {
      answers.push(await outcome(await ask("POST", `/v1/posts/${id}/comments`, { token, body: { text: "Hi" } })));
    }
    expect(answers, commentPolicy).toEqual(expected);
    const nobody = await ask("POST", `/v1/posts/${id}/comments`, { body: { text: "Hi", isFollower: true } });
    expect(await outcome(nobody)).toBe("401 not_signed_in");
  }
  await succeed("PATCH", `/v1/posts/${id}`, ada, { commentPolicy: "followers" });
  const forged = { text: "Hi", isFollower: true, author: ada.person.id };
  expect(await outcome(await ask("POST", `/v1/posts/${id}/comments`, { token: cleo.token, body: forged }))).toBe(
    "403 followers_only",
  );
});

it("does not find a comment of another post", async () => {
  const { ada, ben, post, path } = await talk();
  const other = await publish(ada);
  const foreign = await comment(ben, other.id, "Over there");
  await projectAll(queues, post);
  await projectAll(queues, other.id);
  const { token } = ben;
  const answer = async (method: string, path: string, body?: unknown) =>
    outcome(await ask(method, path, { token, body }));
  expect(await answer("POST", path, { text: "Across", replyTo: foreign.id })).toBe("404 comment_not_found");
  expect(await answer("GET", `${path}/${foreign.id}/replies`)).toBe("404 comment_not_found");
  expect(await answer("PATCH", `${path}/${foreign.id}`, { text: "Mine" })).toBe("404 comment_not_found");
  for (const what of ["like", "pin", "hidden"]) {
    expect(await answer("PUT", `${path}/${foreign.id}/${what}`)).toBe("404 comment_not_found");
  }
  expect(await answer("DELETE", `${path}/${foreign.id}`)).toBe("404 comment_not_found");
  expect(await answer("POST", path, { text: "To none", replyTo: newId<CommentId>(1) })).toBe("404 comment_not_found");
  expect(await (await ask("GET", path)).json()).toMatchObject({ items: [] });
});

it("rejects invalid comments with problem details", async () => {
  const { ada, path } = await talk();
  const post = async (body: unknown, headers = {}) => {
    const answer = await ask("POST", path, { token: ada.token, body, headers });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    return outcome(answer);
  };
  const texts = [
    "",
    " \u200B\u2060 ",
    "a\0b",
    "\ud800",
    "x".repeat(1001),
    "\u2066x",
    `a${"\u0301".repeat(100)}`,
    null,
    7,
  ];
  const replyTo = ["", "nonsense", null, 7, ["01m3qk7vt4xe9"], { $ne: 1 }];
  for (const body of [
    {},
    [],
    7,
    ...texts.map((text) => ({ text })),
    ...replyTo.map((to) => ({ text: "Hi", replyTo: to })),
  ]) {
    expect(await post(body), JSON.stringify(body).slice(0, 60)).toBe("422 invalid_request");
  }
  expect(await post({ text: "\u{1F469}".repeat(2100) })).toBe("422 invalid_request");
  expect(await post({ text: "x".repeat(70_000) })).toBe("413 too_large");
  for (const key of ["", "a b", "x".repeat(65)]) {
    expect(await post({ text: "Hi" }, { "Idempotency-Key": key }), key).toBe("422 invalid_request");
  }
  expect(await (await ask("GET", path)).json()).toMatchObject({ items: [] });
});

it("keeps every one of many concurrent comments, in one order, and counts it once", async () => {
  const { ada, ben, cleo, post, path } = await talk();
  const people = [ada, ben, cleo];
  const storm = Array.from({ length: 12 }, (_, n) => {
    const { token } = people[n % 3] ?? ada;
    // Each is sent twice with its key, as by a client that lost the response.
    const headers = { "Idempotency-Key": `key-${n}` };
    return [0, 1].map(() => ask("POST", path, { token, body: { text: String(n) }, headers }));
  });
  const answers = await Promise.all(storm.flat());
  const ids = await Promise.all(answers.map(async (answer) => (await answer.json<Comment>()).id));
  expect(new Set(ids).size).toBe(12);
  await projectAll(queues, post);
  const read = await allPages(path, { limit: 5 });
  expect(read.map(({ id }) => id)).toEqual([...new Set(ids)].toSorted());
  expect(texts(await allPages(path, { headers: await behind(post) }))).toEqual(texts(read));
  expect(await (await ask("GET", `/v1/posts/${post}`)).json()).toMatchObject({ comments: 12 });
});

it("lets no forged token reveal hidden comments, change data, or break a read", async () => {
  const { ada, ben, cleo, post, path } = await talk();
  const rude = await comment(ben, post, "Rude");
  await succeed("PUT", `${path}/${rude.id}/hidden`, ada);
  await projectAll(queues, post);
  const max = Number.MAX_SAFE_INTEGER;
  for (const entries of [
    [[post, max, true]],
    [[post, 0, true]],
    [[post, max, false]],
    [
      [post, max],
      [post, 1, true],
    ],
    [
      [newId<PostId>(1), max, true],
      [post, 5],
    ],
    Array.from({ length: 8 }, () => [post, max, true]),
  ]) {
    const headers = await tokenWith(entries);
    const asked = { token: cleo.token, headers };
    expect(await (await ask("GET", `/v1/posts/${post}`, asked)).json()).toMatchObject({
      likes: 0,
      likedByMe: false,
      comments: 0,
    });
    expect(await (await ask("GET", path, asked)).json()).toMatchObject({ items: [] });
    const liked = await ask("PUT", `/v1/posts/${post}/like`, asked);
    expect(await liked.json()).toMatchObject({ likes: 1 });
    expect(await (await ask("GET", `/v1/posts/${post}`, { ...asked, headers: tokenOf(liked) })).json()).toMatchObject({
      likedByMe: true,
    });
    await succeed("DELETE", `/v1/posts/${post}/like`, cleo);
    await projectAll(queues, post);
  }
  for (const entries of [
    [[post, -1]],
    [[post, 1.5]],
    [[post, 1e300]],
    [["__proto__", 1]],
    { __proto__: 1 },
    [[post, 1, "true"]],
  ]) {
    const headers = await tokenWith(entries);
    expect((await ask("GET", `/v1/posts/${post}`, { headers })).status).toBe(200);
  }
});

it("lists who likes a post, in pages without gaps or repeats while likes come and go", async () => {
  const author = await signUp();
  const { id } = await publish(author);
  const people = await Promise.all(Array.from({ length: 7 }, () => signUp()));
  for (const person of people) await succeed("PUT", `/v1/posts/${id}/like`, person);
  const path = `/v1/posts/${id}/likes`;
  const seen: PersonId[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const page: PeoplePage = await (
      await ask("GET", `${path}?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`)
    ).json<PeoplePage>();
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.next;
    await succeed("PUT", `/v1/posts/${id}/like`, await signUp()); // Signed up later, so listed before all others.
  }
  expect(seen).toEqual(
    people
      .map(({ person }) => person.id)
      .toSorted()
      .toReversed(),
  );

  const [first] = people;
  if (first) await succeed("DELETE", `/v1/posts/${id}/like`, first);
  const all = await (await ask("GET", `${path}?limit=50`)).json<PeoplePage>();
  expect(all.items.map(({ id }) => id)).not.toContain(first?.person.id);
  expect(await outcome(await ask("GET", `${path}?limit=51`))).toBe("422 invalid_request");
  expect(await outcome(await ask("GET", `${path}?cursor=${encodeCursor(["nonsense"])}`))).toBe("400 invalid_cursor");
});

it("costs the documented D1 queries for a page, however many comments there are", async () => {
  const { ada, ben, cleo, post, path } = await talk();
  const top = await comment(ben, post, "Where is this?");
  for (let n = 0; n < 5; n += 1) await comment(cleo, post, "Nice", top);
  for (let n = 0; n < 5; n += 1) await comment(cleo, post, "Nice");
  await projectAll(queues, post);
  const queries = async (path: string, as?: Someone) => {
    const asked = as && { token: as.token };
    return (await warmD1Costs(() => ask("GET", path, asked))).queries.length;
  };
  const thread = `${path}/${top.id}/replies`;
  const count = async () => ({
    nobody: [await queries(path), await queries(thread)],
    reader: [await queries(path, ben), await queries(thread, ben)],
  });
  // The page. If signed in, also the session, and the likes of a viewer in another database.
  const isElsewhere = bindingOf(env, ben.person.id) !== bindingOf(env, post);
  const expected = isElsewhere ? { nobody: [1, 1], reader: [3, 3] } : { nobody: [1, 1], reader: [2, 2] };
  expect(await count()).toEqual(expected);
  await succeed("PUT", `${path}/${top.id}/pin`, ada);
  await projectAll(queues, post);
  expect(await count()).toEqual(expected);
});
