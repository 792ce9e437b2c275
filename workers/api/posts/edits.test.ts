import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { NotificationPage } from "../../../schema/api/notifications.ts";
import type { Me } from "../../../schema/api/people.ts";
import type { Post } from "../../../schema/api/posts.ts";
import { Effect } from "../../../schema/messages/effects.ts";
import { newId, type MediaId, type PostId } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import {
  allPages,
  comment,
  succeed,
  projectAll,
  publish,
  type Someone,
  tokenOf,
} from "../../../tests/runtime/world/api.ts";
import { flush, recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { ask, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { writeFollow, readyMedia } from "../../../tests/runtime/world/posts.ts";
import { fanOut } from "../../feeds/fan-out.ts";
import { originalKey, renditionKey } from "../../media/files/objects.ts";
import { erase } from "../../projector/erase.ts";
import { project } from "../../projector/projector.ts";

// Queues deliver only when a test does it, both facts of actors and erase effects.
let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
  vi.spyOn(env.EFFECTS, "send").mockResolvedValue({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const read = async (post: PostId, by?: Someone, headers = {}): Promise<Post> =>
  (await ask("GET", `/v1/posts/${post}`, { ...(by && { token: by.token }), headers })).json<Post>();

/** Makes the API's writes to the database fail until restored; the projector's writes still work. */
function failingWrites(database: D1Database) {
  const withSession = database.withSession.bind(database);
  return vi.spyOn(database, "withSession").mockImplementation((constraint) => {
    if (constraint === "first-primary") throw new Error("D1 is down");
    return withSession(constraint);
  });
}

describe("an edit", () => {
  it("changes the caption, the policy or both, and leaves the rest", async () => {
    const ada = await signUp();
    const post = await publish(ada);
    const patch = async (body: unknown) =>
      (await succeed("PATCH", `/v1/posts/${post.id}`, ada, body))
        .json<Post>()
        .then(({ caption, commentPolicy, seq }) => ({
          caption,
          commentPolicy,
          seq,
        }));
    expect(await patch({ caption: " Ebb " })).toEqual({ caption: "Ebb", commentPolicy: "everyone", seq: 2 });
    expect(await patch({ commentPolicy: "off" })).toEqual({ caption: "Ebb", commentPolicy: "off", seq: 3 });
    expect(await patch({ caption: "", commentPolicy: "followers" })).toMatchObject({
      caption: "",
      commentPolicy: "followers",
    });
    const last = await read(post.id);
    expect(last).toEqual({ ...post, caption: "", commentPolicy: "followers", seq: 5, editedAt: last.editedAt });
    expect(await patch({})).toMatchObject({ seq: 5 });
    expect(await patch({ caption: "", commentPolicy: "followers" })).toMatchObject({ seq: 5 });
  });

  it("is allowed for the author only, with a valid caption", async () => {
    const [ada, ben] = [await signUp(), await signUp()];
    const { id } = await publish(ada);
    const patch = async (body: unknown, token?: string) =>
      outcome(await ask("PATCH", `/v1/posts/${id}`, { body, ...(token && { token }) }));
    expect(await patch({ caption: "Mine" })).toBe("401 not_signed_in");
    expect(await patch({ caption: "Mine" }, ben.token)).toBe("403 not_yours");
    for (const wrong of [
      { caption: null },
      { caption: 7 },
      { caption: "x".repeat(2201) },
      { caption: "\u202Egpj.exe" },
      { caption: "\ud800" },
      { commentPolicy: "nobody" },
      { commentPolicy: "__proto__" },
      [],
      "caption",
    ]) {
      expect(await patch(wrong, ada.token), JSON.stringify(wrong)).toBe("422 invalid_request");
    }
    expect(await outcome(await ask("GET", `/v1/posts/${id}/captions`, { token: ben.token }))).toBe("403 not_yours");
    expect(await outcome(await ask("GET", `/v1/posts/${id}/captions`))).toBe("401 not_signed_in");
    expect(await read(id)).toMatchObject({ caption: "Low tide", seq: 1 });
  });

  it("ignores fields that the body may not change", async () => {
    const ada = await signUp();
    const { id } = await publish(ada);
    const raw = `{"__proto__":{"caption":"evil"},"caption":"Ebb","likes":9,"seq":99,"author":"${ada.person.id}","deleted":1}`;
    await ask("PATCH", `/v1/posts/${id}`, { token: ada.token, raw });
    expect(await read(id)).toMatchObject({ caption: "Ebb", likes: 0, seq: 2 });
  });

  it("keeps earlier captions, newest first", async () => {
    const ada = await signUp();
    const { id, createdAt } = await publish(ada);
    await succeed("PATCH", `/v1/posts/${id}`, ada, { caption: "Ebb" });
    const { editedAt } = await (await succeed("PATCH", `/v1/posts/${id}`, ada, { caption: "Flow" })).json<Post>();
    await succeed("PATCH", `/v1/posts/${id}`, ada, { caption: "Flow" });
    const { items } = await (await succeed("GET", `/v1/posts/${id}/captions`, ada)).json<{ items: object[] }>();
    expect(items).toMatchObject([
      { caption: "Flow", at: editedAt },
      { caption: "Ebb" },
      { caption: "Low tide", at: createdAt },
    ]);
  });

  it("is visible to its author at once, and to everyone once it is in D1", async () => {
    const [ada, ben] = [await signUp(), await signUp()];
    const { id } = await publish(ada);
    await read(id, ben); // Now the old caption is in memory and in KV.
    const batch = failingWrites(d1Of(env, id));
    const edited = await succeed("PATCH", `/v1/posts/${id}`, ada, { caption: "Ebb", commentPolicy: "off" });
    batch.mockRestore();
    expect(await read(id, ada, tokenOf(edited))).toMatchObject({ caption: "Ebb", commentPolicy: "off", seq: 3 });
    expect(await read(id, ben)).toMatchObject({ caption: "Low tide", commentPolicy: "everyone" });

    await projectAll(queues, id);
    for (const reader of [ada, ben, undefined]) {
      expect(await read(id, reader)).toMatchObject({ caption: "Ebb", commentPolicy: "off", seq: 3 });
    }
  });

  it("is visible in the isolate that made it, and within a second in one that has the old post in memory", async () => {
    const ada = await signUp();
    const { id } = await publish(ada);
    await read(id);
    await succeed("PATCH", `/v1/posts/${id}`, ada, { caption: "Ebb" });
    expect(await read(id)).toMatchObject({ caption: "Ebb" });
    await d1Of(env, id).prepare("UPDATE posts SET caption = 'Flood' WHERE id = ?").bind(id).run(); // As elsewhere.
    vi.useFakeTimers({ now: Date.now() + 1001, toFake: ["Date"] });
    expect(await read(id)).toMatchObject({ caption: "Flood" });
  });

  it("ends with the caption of the last `seq` when many arrive at once", async () => {
    const ada = await signUp();
    const { id } = await publish(ada);
    const captions = Array.from({ length: 8 }, (_, n) => `Caption ${n}`);
    const answers = await Promise.all(
      captions.map(async (caption) => (await succeed("PATCH", `/v1/posts/${id}`, ada, { caption })).json<Post>()),
    );
    expect(new Set(answers.map(({ seq }) => seq))).toEqual(new Set([2, 3, 4, 5, 6, 7, 8, 9]));
    const last = answers.find(({ seq }) => seq === 9);
    expect(await read(id)).toMatchObject({ caption: last?.caption, seq: 9 });
    const { items } = await (await succeed("GET", `/v1/posts/${id}/captions`, ada)).json<{ items: object[] }>();
    expect(items).toHaveLength(9);
  });
});

describe("a publication repeated with its key", () => {
  const headers = { "Idempotency-Key": "once" };
  const body = async (ada: Someone) => ({ caption: "Low tide", media: [{ id: await readyMedia(ada.person.id) }] });

  it("returns the same post with its later edits", async () => {
    const ada = await signUp();
    const sent = await body(ada);
    const { id } = await publish(ada, sent, headers);
    await succeed("PATCH", `/v1/posts/${id}`, ada, { caption: "Ebb", commentPolicy: "followers" });
    await succeed("PUT", `/v1/posts/${id}/like`, ada);
    const again = await publish(ada, sent, headers);
    expect(again).toMatchObject({ id, caption: "Ebb", commentPolicy: "followers", likes: 1, likedByMe: true });
    expect(await read(id)).toMatchObject({ id, caption: "Ebb", commentPolicy: "followers" });
    expect(await (await succeed("GET", "/v1/me", ada)).json<Me>()).toMatchObject({ posts: 1 });
  });

  it("reverts no change that D1 does not have yet", async () => {
    const ada = await signUp();
    const sent = await body(ada);
    const { id } = await publish(ada, sent, headers);
    const pinned = await comment(ada, id, "Read this first");
    await succeed("PUT", `/v1/posts/${id}/comments/${pinned.id}/pin`, ada);
    const batch = failingWrites(d1Of(env, id));
    await succeed("PATCH", `/v1/posts/${id}`, ada, { caption: "Ebb", commentPolicy: "off" });
    batch.mockRestore();
    await publish(ada, sent, headers);
    await projectAll(queues, id);
    expect(await read(id)).toMatchObject({ caption: "Ebb", commentPolicy: "off" });
    expect(await allPages(`/v1/posts/${id}/comments`)).toMatchObject([{ id: pinned.id, pinned: true }]);
  });

  it("is rejected after the post was deleted, and restores nothing", async () => {
    const ada = await signUp();
    const sent = await body(ada);
    const { id } = await publish(ada, sent, headers);
    await succeed("DELETE", `/v1/posts/${id}`, ada);
    const again = await ask("POST", "/v1/posts", { token: ada.token, body: sent, headers });
    expect(await outcome(again)).toBe("409 idempotency_key_reused");
    expect(await outcome(await ask("GET", `/v1/posts/${id}`, { token: ada.token }))).toBe("404 post_not_found");
  });
});

describe("a deletion", () => {
  /** Publishes a post of `ada`, whom `ben` follows; he likes it and comments on it, and every copy has all of it. */
  async function knownPost() {
    const [ada, ben] = [await signUp(), await signUp()];
    await writeFollow(ben.person.id, ada.person.id);
    const post = await publish(ada);
    await fanOut(env, { post: post.id, author: ada.person.id });
    await succeed("PUT", `/v1/posts/${post.id}/like`, ben);
    const top = await comment(ben, post.id, "Where is this?");
    await comment(ada, post.id, "At home", top);
    await projectAll(queues, post.id);
    return { ada, ben, post, top };
  }

  const allRoutes = (post: PostId, onComment: string): [string, string, unknown?][] => [
    ["GET", `/v1/posts/${post}`],
    ["GET", `/v1/posts/${post}/comments`],
    ["GET", `/v1/posts/${post}/comments?order=most_liked`],
    ["GET", `/v1/posts/${post}/comments/${onComment}/replies`],
    ["GET", `/v1/posts/${post}/likes`],
    ["GET", `/v1/posts/${post}/audit`],
    ["PUT", `/v1/posts/${post}/like`],
    ["DELETE", `/v1/posts/${post}/like`],
    ["POST", `/v1/posts/${post}/comments`, { text: "Hello?" }],
    ["GET", `/v1/posts/${post}/captions`],
    ["PATCH", `/v1/posts/${post}`, { caption: "Back" }],
    ["PATCH", `/v1/posts/${post}/comments/${onComment}`, { text: "Back" }],
    ["DELETE", `/v1/posts/${post}/comments/${onComment}`],
    ["PUT", `/v1/posts/${post}/comments/${onComment}/like`],
    ["PUT", `/v1/posts/${post}/comments/${onComment}/hidden`],
    ["PUT", `/v1/posts/${post}/comments/${onComment}/pin`],
  ];

  async function expectGone(post: PostId, onComment: string, ...people: Someone[]): Promise<void> {
    const asked = people.flatMap(({ token }) =>
      allRoutes(post, onComment).map(async ([method, path, body]) => {
        expect(await outcome(await ask(method, path, { token, body })), `${method} ${path}`).toBe("404 post_not_found");
      }),
    );
    await Promise.all(asked);
  }

  it("is allowed for the author only", async () => {
    const { ben, post } = await knownPost();
    expect(await outcome(await ask("DELETE", `/v1/posts/${post.id}`, { token: ben.token }))).toBe("403 not_yours");
    expect(await outcome(await ask("DELETE", `/v1/posts/${post.id}`))).toBe("401 not_signed_in");
    expect(await read(post.id)).toMatchObject({ likes: 1, comments: 2 });
  });

  it("hides the post from everyone, on every path, at once", async () => {
    const { ada, ben, post, top } = await knownPost();
    const key = { "Idempotency-Key": "key" };
    const path = `/v1/posts/${post.id}/comments`;
    await ask("POST", path, { token: ben.token, body: { text: "Once" }, headers: key });
    await succeed("DELETE", `/v1/posts/${post.id}`, ada);

    await expectGone(post.id, top.id, ada, ben);
    const again = await ask("POST", path, { token: ben.token, body: { text: "Once" }, headers: key });
    expect(await outcome(again)).toBe("404 post_not_found");
    expect(await outcome(await ask("GET", `/v1/posts/${post.id}`))).toBe("404 post_not_found");
    for (const reader of [ada, ben]) {
      expect(await (await succeed("GET", "/v1/feed", reader)).json()).toEqual({ items: [] });
    }
    expect(await (await ask("GET", `/v1/people/${ada.person.handle}/posts`)).json()).toEqual({ items: [] });
    expect(await (await succeed("GET", "/v1/me", ada)).json()).toMatchObject({ posts: 0 });
    const told = await (await succeed("GET", "/v1/notifications", ada)).json<NotificationPage>();
    expect(told.items).toEqual([]);

    await projectAll(queues, post.id);
    expect(await (await succeed("GET", "/v1/me", ada)).json()).toMatchObject({ posts: 0, unread: 0 });
  });

  it("returns the same when its author repeats it, and 404 for anyone else", async () => {
    const { ada, ben, post } = await knownPost();
    const remove = (by: Someone) => ask("DELETE", `/v1/posts/${post.id}`, { token: by.token });
    const together = await Promise.all([remove(ada), remove(ada), remove(ada)]);
    expect(together.map(({ status }) => status)).toEqual([204, 204, 204]);
    expect((await remove(ada)).status).toBe(204);
    expect(await outcome(await remove(ben))).toBe("404 post_not_found");
    expect(await (await succeed("GET", "/v1/me", ada)).json()).toMatchObject({ posts: 0 });
  });

  it("holds for its author, who sends the token, before D1 has it", async () => {
    const { ada, post } = await knownPost();
    const batch = failingWrites(d1Of(env, post.id));
    const headers = tokenOf(await succeed("DELETE", `/v1/posts/${post.id}`, ada));
    batch.mockRestore();
    for (const path of ["", "/comments", "/comments?order=most_liked", "/likes", "/audit"]) {
      const answer = await ask("GET", `/v1/posts/${post.id}${path}`, { token: ada.token, headers });
      expect(await outcome(answer), path).toBe("404 post_not_found");
    }
    expect(await (await ask("GET", "/v1/feed", { token: ada.token, headers })).json()).toEqual({ items: [] });
    await projectAll(queues, post.id);
    expect(await outcome(await ask("GET", `/v1/posts/${post.id}`))).toBe("404 post_not_found");
  });

  it("is not undone by a late message or a late page of its fan-out", async () => {
    const { ada, ben, post, top } = await knownPost();
    await comment(ben, post.id, "On its way");
    await flush(env.POSTS.getByName(post.id));
    const [late] = queues.facts.splice(0);
    if (!late) throw new Error("nothing was on its way");
    await succeed("DELETE", `/v1/posts/${post.id}`, ada);
    await project(env, [late, { ...late, from: 1, body: { caption: "", media: [], editedAt: null, seq: 1 } }]);
    await fanOut(env, { post: post.id, author: ada.person.id });
    await expectGone(post.id, top.id, ada, ben);
    const rows = (table: string, column: string) =>
      d1Of(env, post.id).prepare(`SELECT * FROM ${table} WHERE ${column} = ?`).bind(post.id).all();
    expect((await rows("posts", "id")).results).toEqual([]);
    expect(await (await succeed("GET", "/v1/me", ada)).json()).toMatchObject({ posts: 0 });
  });

  it("wins over concurrent likes, comments and edits", async () => {
    const { ada, ben, post, top } = await knownPost();
    const path = `/v1/posts/${post.id}`;
    const storm = await Promise.all([
      ask("PUT", `${path}/like`, { token: ada.token }),
      ask("POST", `${path}/comments`, { token: ben.token, body: { text: "Quick" } }),
      ask("PATCH", path, { token: ada.token, body: { caption: "Quick" } }),
      ask("DELETE", path, { token: ada.token }),
      ask("PATCH", path, { token: ada.token, body: { caption: "Late" } }),
      ask("PUT", `${path}/comments/${top.id}/like`, { token: ada.token }),
      ask("DELETE", `${path}/like`, { token: ben.token }),
    ]);
    for (const { status } of storm) expect([200, 201, 204, 404]).toContain(status);
    await expectGone(post.id, top.id, ada, ben);
    await projectAll(queues, post.id);
    await expectGone(post.id, top.id, ada, ben);
  });

  it("is in D1 at once, however many posts are deleted in the same millisecond", async () => {
    const ada = await signUp();
    const media = [{ id: await readyMedia(ada.person.id) }];
    const posts: PostId[] = [];
    for (let n = 0; n < 60; n += 1) {
      const published = await ask("POST", "/v1/posts", { token: ada.token, body: { caption: `${n}`, media } });
      posts.push((await published.json<{ id: PostId }>()).id);
    }
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    await Promise.all(posts.map((post) => ask("DELETE", `/v1/posts/${post}`, { token: ada.token })));
    vi.useRealTimers();
    const { results } = await d1Of(env, ada.person.id)
      .prepare("SELECT post FROM post_stats WHERE deleted = 0 AND post IN (SELECT value FROM json_each(?))")
      .bind(JSON.stringify(posts))
      .all();
    expect(results).toEqual([]);
  });

  const effectsOf = async (post: PostId) => {
    const { results } = await d1Of(env, post)
      .prepare("SELECT body FROM effects WHERE body ->> 'post' = ?")
      .bind(post)
      .all<{ body: string }>();
    return results.map(({ body }) => Effect.parse(JSON.parse(body)) as Extract<Effect, { kind: "erase" }>);
  };

  it("erases the comments, and the pictures that no other post of the author shows", async () => {
    const ada = await signUp();
    const [kept, lost] = [await readyMedia(ada.person.id), await readyMedia(ada.person.id)];
    const keys = (id: MediaId) => [
      originalKey(id),
      ...(["w320", "w640", "w1080"] as const).map((v) => renditionKey(id, v)),
    ];
    for (const key of [...keys(kept), ...keys(lost)]) await env.MEDIA.put(key, "pixels");
    const other = await publish(ada, { media: [{ id: kept }] });
    const post = await publish(ada, { media: [{ id: kept }, { id: lost }] });
    await comment(ada, post.id, "Soon gone", await comment(ada, post.id, "Gone"));
    await projectAll(queues, post.id);
    await succeed("DELETE", `/v1/posts/${post.id}`, ada);

    const [effect] = await effectsOf(post.id);
    if (!effect) throw new Error("there is nothing to erase");
    await erase(env, effect);
    await erase(env, effect); // The queue may deliver it again.
    const comments = await d1Of(env, post.id).prepare("SELECT id FROM comments WHERE post = ?").bind(post.id).all();
    expect(comments.results).toEqual([]);
    for (const key of keys(lost)) expect(await env.MEDIA.head(key), key).toBeNull();
    for (const key of keys(kept)) expect(await env.MEDIA.head(key), key).not.toBeNull();
    const media = await d1Of(env, ada.person.id)
      .prepare("SELECT id FROM media WHERE owner = ?")
      .bind(ada.person.id)
      .all();
    expect(media.results).toEqual([{ id: kept }]);
    expect(await effectsOf(post.id)).toEqual([]);
    expect(await read(other.id)).toMatchObject({ id: other.id });
  });

  it("saves one effect that does not depend on the queue, even for a post that D1 never had", async () => {
    const ada = await signUp();
    const batch = failingWrites(d1Of(env, ada.person.id));
    const { id } = await publish(ada);
    batch.mockRestore();
    await succeed("DELETE", `/v1/posts/${id}`, ada);
    await succeed("DELETE", `/v1/posts/${id}`, ada);
    await projectAll(queues, id);
    expect(await effectsOf(id)).toHaveLength(1);
  });

  it("returns 404 for a post that never existed", async () => {
    const ada = await signUp();
    const unknown = newId<PostId>(3);
    for (const method of ["DELETE", "PATCH"]) {
      const answer = await ask(method, `/v1/posts/${unknown}`, { token: ada.token, body: {} });
      expect(await outcome(answer)).toBe("404 post_not_found");
    }
  });
});
