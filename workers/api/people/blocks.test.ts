import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SESSION_CHECK_INTERVAL } from "../../../durable-objects/live/session-checks.ts";
import type { NotificationPage } from "../../../schema/api/notifications.ts";
import type { Me, PersonCard, Profile } from "../../../schema/api/people.ts";
import type { Comment, CommentPage, Post, PostPage } from "../../../schema/api/posts.ts";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../../schema/d1/blocks.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import type { PostId } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { flush, recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { connect, hangUp } from "../../../tests/runtime/live/live.ts";
import { ask, outcome, randomHandle, signUp } from "../../../tests/runtime/world/people.ts";
import { writeFollow, readyMedia } from "../../../tests/runtime/world/posts.ts";
import { project } from "../../projector/projector.ts";
import { warmD1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { CONSISTENCY_TOKEN } from "../../storage/consistency.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  hangUp();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Person = Awaited<ReturnType<typeof signUp>>;

const block = (by: Person, { person }: Person) => ask("PUT", `/v1/people/${person.handle}/block`, { token: by.token });
const unblock = (by: Person, { person }: Person) =>
  ask("DELETE", `/v1/people/${person.handle}/block`, { token: by.token });
const read = async <T>(path: string, { token }: Person): Promise<T> => (await ask("GET", path, { token })).json<T>();

async function publish(author: Person): Promise<PostId> {
  const body = { media: [{ id: await readyMedia(author.person.id) }] };
  return (await (await ask("POST", "/v1/posts", { token: author.token, body })).json<Post>()).id;
}

const like = ({ token }: Person, post: PostId) => ask("PUT", `/v1/posts/${post}/like`, { token });
const say = ({ token }: Person, post: PostId, text: string) =>
  ask("POST", `/v1/posts/${post}/comments`, { token, body: { text } });

async function settle(post: PostId): Promise<void> {
  await flush(env.POSTS.getByName(post));
  await project(env, queues.facts.splice(0));
}

/** Returns how many D1 queries a successful request makes. */
async function costs({ token }: Person, method: string, path: string): Promise<number> {
  let status = 0;
  const { queries } = await warmD1Costs(async () => {
    ({ status } = await ask(method, path, { token }));
  });
  expect(status).toBe(200);
  return queries.length;
}

it("blocks and unblocks, and changes nothing when repeated", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const row = () =>
    d1Of(env, ada.person.id)
      .prepare("SELECT mine, version, theirs FROM blocks WHERE person = ?")
      .bind(ada.person.id)
      .first();
  expect(await (await unblock(ada, ben)).json()).toEqual({ blockedByMe: false });
  expect(await row()).toBeNull();
  for (let times = 0; times < 2; times += 1) {
    expect(await (await block(ada, ben)).json()).toEqual({ blockedByMe: true });
    expect(await row()).toEqual({ mine: 1, version: 1, theirs: 0 });
  }
  expect(await read<Profile>(`/v1/people/${ben.person.handle}`, ada)).toMatchObject({ blockedByMe: true });
  await Promise.all([unblock(ada, ben), unblock(ada, ben), unblock(ada, ben)]);
  expect(await row()).toEqual({ mine: 0, version: 2, theirs: 0 });
  expect(await read<Profile>(`/v1/people/${ben.person.handle}`, ada)).toMatchObject({ blockedByMe: false });
  expect(await read<Profile>(`/v1/people/${ada.person.handle}`, ben)).toMatchObject({ blockedByMe: false });
});

it("lets a blocked person block back, and holds until both have unblocked", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const follow = async () => outcome(await ask("PUT", `/v1/people/${ben.person.handle}/follow`, { token: ada.token }));
  await block(ada, ben);
  expect((await block(ben, ada)).status).toBe(200);
  await unblock(ada, ben);
  expect(await follow()).toBe("404 person_not_found");
  await unblock(ben, ada);
  expect(await follow()).toBe("200");
});

it("rejects blocking oneself or an unknown person, and anonymous viewers", async () => {
  const ada = await signUp();
  for (const step of [block, unblock]) {
    expect(await outcome(await step(ada, ada))).toBe("409 cannot_block_yourself");
    const unknown = { ...ada, person: { ...ada.person, handle: randomHandle() } };
    expect(await outcome(await step(ada, unknown))).toBe("404 person_not_found");
  }
  expect(await outcome(await ask("PUT", `/v1/people/${ada.person.handle}/block`))).toBe("401 not_signed_in");
});

it("lists the people one has blocked page by page, but not those who have blocked one", async () => {
  const ada = await signUp();
  const others = await Promise.all(Array.from({ length: 6 }, () => signUp()));
  const [first, ...rest] = others;
  if (!first) throw new Error("nobody");
  await block(first, ada);
  for (const other of rest) await block(ada, other);
  const ids: string[] = [];
  for (let cursor = ""; ;) {
    const page = await read<{ items: PersonCard[]; next?: string }>(`/v1/me/blocks?limit=2${cursor}`, ada);
    ids.push(...page.items.map(({ id }) => id));
    if (page.next === undefined) break;
    cursor = `&cursor=${page.next}`;
  }
  const expected = rest.map(({ person }) => person.id as string).sort();
  expect(ids).toEqual(expected.reverse());
});

it("costs no query without blocks, and one a page with them", async () => {
  const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
  await writeFollow(ada.person.id, ben.person.id);
  for (let n = 0; n < 3; n += 1) {
    const post = await publish(ben);
    await d1Of(env, ada.person.id)
      .prepare("INSERT INTO feed (reader, post, author) VALUES (?, ?, ?)")
      .bind(ada.person.id, post, ben.person.id)
      .run();
  }
  const [{ id: post }] = (await read<PostPage>("/v1/feed", ada)).items as [Post]; // Warms the document cache.
  const all = async () => [
    await costs(ada, "GET", "/v1/feed"),
    await costs(ada, "GET", `/v1/posts/${post}`),
    await costs(ada, "PUT", `/v1/posts/${post}/like`),
    await costs(ada, "GET", `/v1/people/${ben.person.handle}`),
    await costs(ada, "GET", "/v1/me"),
  ];
  expect(await all()).toEqual([2, 2, 1, 3, 3]);
  await block(ada, cleo);
  expect(await all()).toEqual([3, 3, 2, 3, 3]);
  await unblock(ada, cleo);
  expect(await all()).toEqual([2, 2, 1, 3, 3]);
});

it("checks for blocks by an index without rows of former blocks", async () => {
  const plan = await env.DB.prepare(
    `EXPLAIN QUERY PLAN SELECT 1 FROM ${textOf(ACTIVE_BLOCKS)} WHERE person = ? AND ${textOf(IS_ACTIVE)}`,
  )
    .bind("x")
    .all<{ detail: string }>();
  expect(plan.results.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/INDEX blocks_active \(person=\?\)/),
  ]);
});

it("fills a page when a block hides the first comments", async () => {
  const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
  const post = await publish(cleo);
  for (const text of ["one", "two", "three"]) await say(ben, post, text);
  for (const text of ["four", "five"]) await say(cleo, post, text);
  await settle(post);
  await block(ada, ben);
  const page = await read<CommentPage>(`/v1/posts/${post}/comments?limit=2`, ada);
  expect(page.items.map(({ text }) => text)).toEqual(["four", "five"]);
  expect(page.next).toBeUndefined();
});

it("leaves out comments even while the post's actor replaces D1", async () => {
  const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
  const post = await publish(cleo);
  const said = await (await say(ben, post, "Unseen")).json<Comment>();
  await block(ada, ben);
  const own = await say(ada, post, "Seen");
  const headers = { [CONSISTENCY_TOKEN]: own.headers.get(CONSISTENCY_TOKEN) ?? "" };
  const page = await (
    await ask("GET", `/v1/posts/${post}/comments`, { token: ada.token, headers })
  ).json<CommentPage>();
  expect(page.items.map(({ text }) => text)).toEqual(["Seen"]);
  const replies = await ask("GET", `/v1/posts/${post}/comments/${said.id}/replies`, { token: ada.token, headers });
  expect(await outcome(replies)).toBe("404 comment_not_found");
});

it("leaves blocked people out of notifications and out of their counts", async () => {
  const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
  const [first, second] = [await publish(ada), await publish(ada)];
  await like(cleo, first);
  await like(ben, first);
  await say(cleo, first, "Fine light");
  await say(ben, first, "Rude");
  await like(ben, second);
  await settle(first);
  await settle(second);
  const told = async () => {
    const { items, unread } = await read<NotificationPage>("/v1/notifications", ada);
    expect((await read<Me>("/v1/me", ada)).unread).toBe(unread);
    const seen = items.map(({ kind, count, actors }) => ({ kind, count, actors: actors.map(({ id }) => id) }));
    return {
      unread,
      items: seen,
      all: JSON.stringify(items),
    };
  };
  expect(await told()).toMatchObject({ unread: 3 });
  await block(ada, ben);
  const left = await told();
  expect(left.unread).toBe(2);
  expect(left.items.toSorted((a, b) => (a.kind < b.kind ? 1 : -1))).toEqual([
    { kind: "like", count: 1, actors: [cleo.person.id] },
    { kind: "comment", count: 1, actors: [cleo.person.id] },
  ]);
  expect(left.all).not.toContain("Rude");
});

const watching = async (post: PostId, { token }: Person) => (await connect({ token })).watch(post);

it("leaves comments of blocked people out of the viewer's live frames, but not out of others'", async () => {
  const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
  const post = await publish(cleo);
  await block(ada, ben);
  const [adas, cleos] = [await watching(post, ada), await watching(post, cleo)];
  await Promise.all([adas.until(1), cleos.until(1)]);
  await say(ben, post, "Unseen");
  await say(cleo, post, "Seen");
  await Promise.all([adas.until(3), cleos.until(3)]);
  expect(adas.texts).toEqual(["Seen"]);
  expect(cleos.texts).toEqual(["Unseen", "Seen"]);
});

it("ends a live post for a viewer in a block with its author, and hides new comments by blocked people", async () => {
  const [ada, ben, cleo, dora] = [await signUp(), await signUp(), await signUp(), await signUp()];
  const post = await publish(cleo);
  await block(dora, cleo);
  const doras = await watching(post, dora);
  await doras.untilDeleted(post);
  expect(doras.frames).toHaveLength(1);
  const [adas, bens] = [await watching(post, ada), await watching(post, ben)];
  await Promise.all([adas.until(1), bens.until(1)]);
  await block(cleo, ben);
  expect(bens.frames.at(-1)?.deleted).toBe(true); // At once, before any change to the post.
  await block(ada, ben);
  await say(cleo, post, "Without Ben");
  await adas.until(2);
  expect(bens.texts).toEqual([]);
  expect(adas.texts).toEqual(["Without Ben"]);
});

it("checks for blocks again after a while, in case the relay was not notified", async () => {
  const [ben, cleo] = [await signUp(), await signUp()];
  const post = await publish(cleo);
  const bens = await watching(post, ben);
  await bens.until(1);
  const getByName = env.LIVE_RELAYS.getByName.bind(env.LIVE_RELAYS);
  const told = vi.spyOn(env.LIVE_RELAYS, "getByName").mockImplementation(() => {
    throw new Error("no way there");
  });
  await block(cleo, ben);
  expect(told).toHaveBeenCalled();
  told.mockImplementation(getByName);
  vi.useFakeTimers({ now: Date.now() + SESSION_CHECK_INTERVAL, toFake: ["Date"] });
  await say(cleo, post, "Without Ben");
  await bens.untilDeleted(post);
  expect(bens.texts).toEqual([]);
});
