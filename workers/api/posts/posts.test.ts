import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CommentPage, Post, PostPage } from "../../../schema/api/posts.ts";
import { type MediaId, newId, type PostId, shardOf } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { ask, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { writeFollow, readyMedia } from "../../../tests/runtime/world/posts.ts";
import { warmD1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { withFaults } from "../../../tests/runtime/stores/faults.ts";
import { fanOut } from "../../feeds/fan-out.ts";

// Nothing is delivered, so D1 stays behind every like and comment: the worst case for reading one's own writes.
beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Person = Awaited<ReturnType<typeof signUp>>;

async function publish(author: Person, caption = "Low tide"): Promise<Post> {
  const body = { caption, media: [{ id: await readyMedia(author.person.id), alt: "Wet sand" }] };
  const response = await ask("POST", "/v1/posts", { token: author.token, body });
  expect(response.status).toBe(201);
  return response.json<Post>();
}

it("shows a post to its author at once: on its own, on the profile and in the feed", async () => {
  const ada = await signUp();
  const post = await publish(ada);
  expect(post).toMatchObject({ author: ada.person, caption: "Low tide", likes: 0, comments: 0, likedByMe: false });
  expect(post.media).toMatchObject([{ width: 1200, height: 800, alt: "Wet sand" }]);

  const { token } = ada;
  expect(await (await ask("GET", `/v1/posts/${post.id}`)).json()).toEqual(post);
  expect(await (await ask("GET", `/v1/people/${ada.person.handle}/posts`)).json()).toEqual({ items: [post] });
  expect(await (await ask("GET", "/v1/feed", { token })).json()).toEqual({ items: [post] });
  expect(await (await ask("GET", "/v1/me", { token })).json()).toMatchObject({ posts: 1 });
});

it("publishes even while D1 rejects writes, since the actor's commit is the fact", async () => {
  const ada = await signUp();
  const body = { media: [{ id: await readyMedia(ada.person.id) }] };
  const faulty = withFaults(env, { writes: "throws" });
  const response = await ask("POST", "/v1/posts", { token: ada.token, body, env: faulty.env });
  expect(faulty.failed()).toBeGreaterThan(0);
  expect(response.status).toBe(201);
  const { id } = await response.json<Post>();
  expect(await env.POSTS.getByName(id).snapshot(undefined)).toMatchObject({ ok: true, standing: { seq: 1 } });
});

it("rejects a post without media, with foreign or unready media, or without a session", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const { token } = ada;
  const mine = await readyMedia(ada.person.id);
  const theirs = await readyMedia(ben.person.id);
  const post = async (body: unknown) => outcome(await ask("POST", "/v1/posts", { token, body }));
  expect(await post({ media: [] })).toBe("422 invalid_request");
  expect(await post({ media: [{ id: theirs }] })).toBe("404 media_not_found");
  expect(await post({ media: [{ id: mine }], caption: "x".repeat(2201) })).toBe("422 invalid_request");
  expect(await post({ media: [{ id: mine }], caption: "\u202Egpj.exe" })).toBe("422 invalid_request");
  await d1Of(env, mine).prepare("UPDATE media SET state = 'uploaded', width = NULL WHERE id = ?").bind(mine).run();
  expect(await post({ media: [{ id: mine }] })).toBe("409 media_not_ready");
  expect(await outcome(await ask("POST", "/v1/posts", { body: { media: [{ id: mine }] } }))).toBe("401 not_signed_in");
});

it("publishes once for a key, even when requests arrive at once", async () => {
  const ada = await signUp();
  const { token } = ada;
  const body = { caption: "Once", media: [{ id: await readyMedia(ada.person.id) }] };
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const publish = () => ask("POST", "/v1/posts", { token, body, headers });
  const answers = await Promise.all([publish(), publish(), publish()]);
  answers.push(await publish());
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  const ids = await Promise.all(answers.map(async (answer) => (await answer.json<Post>()).id));
  expect(new Set(ids).size).toBe(1);
  expect(await (await ask("GET", "/v1/me", { token })).json()).toMatchObject({ posts: 1 });

  const other = { ...body, caption: "Another" };
  expect(await outcome(await ask("POST", "/v1/posts", { token, body: other, headers }))).toBe(
    "409 idempotency_key_reused",
  );
  const mine = await readyMedia(ada.person.id);
  const others = { ...body, media: [{ id: mine }] };
  expect(await outcome(await ask("POST", "/v1/posts", { token, body: others, headers }))).toBe(
    "409 idempotency_key_reused",
  );
  const file = d1Of(env, mine).prepare("SELECT claimed_by AS post FROM media WHERE id = ?").bind(mine);
  expect(await file.first()).toEqual({ post: null }); // A claimed file would be visible to everyone.

  const malformed = { "Idempotency-Key": "x".repeat(65) };
  expect(await outcome(await ask("POST", "/v1/posts", { token, body, headers: malformed }))).toBe(
    "422 invalid_request",
  );
});

it("uses up no key for a post that is refused", async () => {
  const ada = await signUp();
  const stranger = await signUp();
  const notMine = await readyMedia(stranger.person.id);
  const refuse = async (id: string) => {
    const body = { caption: "", media: [{ id }] };
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    return outcome(await ask("POST", "/v1/posts", { token: ada.token, body, headers }));
  };
  for (const id of [notMine, newId<MediaId>(shardOf(ada.person.id))]) {
    expect(await refuse(id)).toBe("404 media_not_found");
  }
  const mine = await readyMedia(ada.person.id);
  const setState = (state: string) =>
    d1Of(env, mine).prepare("UPDATE media SET state = ? WHERE id = ?").bind(state, mine).run();
  await setState("uploaded");
  expect(await refuse(mine)).toBe("409 media_not_ready");
  const rows = d1Of(env, ada.person.id).prepare("SELECT * FROM idempotency_keys WHERE person = ?").bind(ada.person.id);
  expect((await rows.all()).results).toEqual([]);

  const headers = { "Idempotency-Key": "later" };
  const publish = () =>
    ask("POST", "/v1/posts", { token: ada.token, body: { caption: "", media: [{ id: mine }] }, headers });
  expect((await publish()).status).toBe(409);
  await setState("ready");
  const { id } = await (await publish()).json<Post>();
  expect(await (await publish()).json()).toMatchObject({ id });
});

it("draws another id for the post of a key when the first one is taken", async () => {
  const ada = await signUp();
  const body = { caption: "The second", media: [{ id: await readyMedia(ada.person.id) }] };
  const random = crypto.getRandomValues.bind(crypto);
  let zeros = Number.POSITIVE_INFINITY; // How many of the next draws return 0; the clock stands still meanwhile.
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => (zeros-- > 0 ? array : random(array)));
  try {
    const first = await publish(ada, "The first");
    zeros = 1;
    const headers = { "Idempotency-Key": "key" };
    const response = await ask("POST", "/v1/posts", { token: ada.token, body, headers });
    expect(response.status).toBe(201);
    const second = await response.json<Post>();
    expect(second.id).not.toBe(first.id);
    const again = await ask("POST", "/v1/posts", { token: ada.token, body, headers });
    expect(await again.json()).toMatchObject({ id: second.id });
  } finally {
    vi.useRealTimers();
  }
});

it("stores text as it was sent, in NFC", async () => {
  const ada = await signUp();
  const caption = "Cafe\u0301 👩‍👩‍👧 <script>alert(1)</script> '; DROP TABLE posts; --\n\ttabbed";
  expect((await publish(ada, caption)).caption).toBe(caption.normalize("NFC"));
});

it("shows the viewer their own like and comment before D1 has them, if they send the token", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const post = await publish(ada);
  const path = `/v1/posts/${post.id}`;
  const liked = await ask("PUT", `${path}/like`, { token: ben.token });
  expect(await liked.json()).toEqual({ liked: true, likes: 1, seq: 2 });
  const headers = { "Consistency-Token": liked.headers.get("consistency-token") ?? "" };
  const commented = await ask("POST", `${path}/comments`, { token: ben.token, headers, body: { text: "Where?" } });
  expect(commented.status).toBe(201);
  headers["Consistency-Token"] = commented.headers.get("consistency-token") ?? "";

  const read = async <T>(path: string, headers = {}) =>
    (await ask("GET", path, { token: ben.token, headers })).json<T>();
  expect(await read<Post>(path, headers)).toMatchObject({ likes: 1, comments: 1, likedByMe: true, seq: 3 });
  expect((await read<CommentPage>(`${path}/comments`, headers)).items).toMatchObject([{ text: "Where?" }]);
  // Without a token, or with an invalid one, the response is as D1 has it.
  for (const token of [
    "",
    "garbage",
    "!!!",
    btoa('{"a":1}'),
    btoa(`{"posts":[["${post.id}","5"]],"databases":[]}`),
    btoa("[[1,2]]"),
  ]) {
    expect(await read<Post>(path, { "Consistency-Token": token })).toMatchObject({ likes: 0, likedByMe: false });
  }
});

it("pages through a feed without gaps or repeats while posts arrive", async () => {
  const [ada, reader] = [await signUp(), await signUp()];
  await writeFollow(reader.person.id, ada.person.id);
  const published: PostId[] = [];
  const publishAndDeliver = async () => {
    published.push((await publish(ada, String(published.length))).id);
    await fanOut(env, { post: published.at(-1) as PostId, author: ada.person.id });
  };
  for (let n = 0; n < 7; n += 1) await publishAndDeliver();
  const before = [...published];

  const seen: PostId[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const page = await (await ask("GET", `/v1/feed?limit=3${query}`, { token: reader.token })).json<PostPage>();
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.next;
    await publishAndDeliver();
  }
  expect(seen).toEqual(before.toReversed());
});

it("returns 404 for what does not exist, and 422 or 400 for what is malformed", async () => {
  const { token } = await signUp();
  const unknown = newId<PostId>(7);
  const answer = async (method: string, path: string, body?: unknown) =>
    outcome(await ask(method, path, { token, ...(body !== undefined && { body }) }));
  expect(await answer("GET", `/v1/posts/${unknown}`)).toBe("404 post_not_found");
  expect(await answer("GET", `/v1/posts/${unknown}/comments`)).toBe("404 post_not_found");
  expect(await answer("PUT", `/v1/posts/${unknown}/like`)).toBe("404 post_not_found");
  expect(await answer("DELETE", `/v1/posts/${unknown}/like`)).toBe("404 post_not_found");
  expect(await answer("POST", `/v1/posts/${unknown}/comments`, { text: "hello" })).toBe("404 post_not_found");
  expect(await answer("GET", "/v1/posts/nonsense")).toBe("422 invalid_request");
  expect(await answer("GET", "/v1/feed?cursor=nonsense")).toBe("400 invalid_cursor");
  expect(await answer("GET", "/v1/feed?limit=1000000")).toBe("422 invalid_request");
  expect(await answer("GET", "/v1/nothing")).toBe("404 not_found");
  expect(await answer("POST", `/v1/posts/${unknown}/comments`, { text: "" })).toBe("422 invalid_request");
  const malformed = await ask("POST", "/v1/posts", { token, headers: { "content-type": "application/json" } });
  expect(malformed.status).toBe(400);
});

it("costs one D1 call for a warm feed page, session included, and about one row an entry", async () => {
  const ada = await signUp();
  for (let n = 0; n < 21; n += 1) await publish(ada);
  const { token } = ada;
  const page = vi.fn();
  const { queries, calls, rowsRead } = await warmD1Costs(async () => {
    page(await (await ask("GET", "/v1/feed", { token })).json<PostPage>());
  });
  expect(page).toHaveBeenLastCalledWith(expect.objectContaining({ items: expect.objectContaining({ length: 20 }) }));
  expect({ queries: queries.length, calls }).toEqual({ queries: 2, calls: 1 });
  expect(rowsRead).toBeLessThanOrEqual(25);
});
