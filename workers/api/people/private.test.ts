/** When a change to a private account takes effect, and what it costs readers. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Me, PersonCard, Profile } from "../../../schema/api/people.ts";
import type { PostPage } from "../../../schema/api/posts.ts";
import { type PersonId, type PostId } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { comment, succeed, projectAll, publish, type Someone } from "../../../tests/runtime/world/api.ts";
import { d1Costs, warmD1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { ask, makePrivate, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { writeFollow } from "../../../tests/runtime/world/posts.ts";
import { fanOut } from "../../feeds/fan-out.ts";
import { mirrorFollow } from "../../relations/follow.ts";
import { FOLLOWING_MAX, REQUESTS_MAX } from "./follows.ts";

/** Longer than an isolate believes what it has read about a person, in ms. */
const FRESH_FOR = 1100;

/** How long, in ms, anonymous viewers may still see what was public: docs/architecture.md. */
const PUBLIC_FOR_AT_MOST = 5000;

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const later = (ms: number) => vi.useFakeTimers({ now: Date.now() + ms, toFake: ["Date"] });
const follow = (whom: Someone) => `/v1/people/${whom.person.handle}/follow`;

/** Creates Ada with a post, Ben as a stranger and Cleo as her follower. */
async function scene() {
  const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
  await writeFollow(cleo.person.id, ada.person.id);
  const { id: post } = await publish(ada);
  await projectAll(queues, post);
  await fanOut(env, { post, author: ada.person.id });
  const read = async (by?: Someone, bindings: Env = env) =>
    outcome(
      await ask("GET", `/v1/posts/${post}`, { ...(by ? { token: by.token } : { asAnybody: true }), env: bindings }),
    );
  return { ada, ben, cleo, post, read };
}

describe("becoming private", () => {
  it("holds for signed-in viewers of this isolate from the response on", async () => {
    const { ada, ben, cleo, read } = await scene();
    expect([await read(ben), await read(cleo)]).toEqual(["200", "200"]);
    const changed = await (await succeed("PATCH", "/v1/me", ada, { private: true })).json<Me>();
    expect(changed.private).toBe(true);
    expect([await read(ben), await read(cleo), await read(ada)]).toEqual(["404 post_not_found", "200", "200"]);
    await succeed("PATCH", "/v1/me", ada, { private: false });
    expect(await read(ben)).toBe("200");
  });

  it("keeps what is written from then on out of the inboxes of people who do not follow", async () => {
    const { ada, ben, cleo, post } = await scene();
    await makePrivate(ada.person); // As another isolate does, so this one still takes her for public.
    await comment(cleo, post, `@${ben.person.handle} @${cleo.person.handle} secret`);
    await comment(ada, post, `@${cleo.person.handle} hello`);
    await projectAll(queues, post);
    const rows = async ({ person }: Someone) =>
      (
        await d1Of(env, person.id)
          .prepare("SELECT excerpt FROM notifications WHERE recipient = ? AND kind = 'mention'")
          .bind(person.id)
          .all<{ excerpt: string }>()
      ).results;
    expect(await rows(ben)).toEqual([]);
    expect(await rows(cleo)).toMatchObject([{ excerpt: expect.stringContaining("hello") as string }]);
  });

  it("reaches an isolate that made no change within a second", async () => {
    const { ada, ben, post, read } = await scene();
    expect(await read(ben)).toBe("200");
    expect((await ask("PUT", `/v1/posts/${post}/like`, { token: ben.token })).status).toBe(200);
    await makePrivate(ada.person);
    later(FRESH_FOR);
    expect(await read(ben)).toBe("404 post_not_found");
    expect(await outcome(await ask("PUT", `/v1/posts/${post}/like`, { token: ben.token }))).toBe("404 post_not_found");
  });

  it("ends public responses of this isolate at once, and those of others within seconds", async () => {
    const { ada, post, read } = await scene();
    const paths = [`/v1/posts/${post}`, `/v1/posts/${post}/comments`, `/v1/people/${ada.person.handle}/posts`];
    const all = async () =>
      Promise.all(
        paths.map(async (path) => {
          const response = await ask("GET", path, { asAnybody: true });
          return `${response.status} ${(await response.text()).includes(post)}`;
        }),
      );
    const [open, closed] = [
      ["200 true", "200 false", "200 true"],
      ["404 false", "404 false", "200 false"],
    ];
    expect(await all()).toEqual(open);
    await succeed("PATCH", "/v1/me", ada, { private: true });
    expect(await all()).toEqual(closed);
    await succeed("PATCH", "/v1/me", ada, { private: false });
    later(1001);
    expect(await all()).toEqual(open);
    await makePrivate(ada.person); // In another isolate.
    later(PUBLIC_FOR_AT_MOST);
    expect(await all()).toEqual(closed);
    expect(await read()).toBe("404 post_not_found");
  });

  it("makes a post look like one that never existed", async () => {
    const { ada, ben, cleo, post } = await scene();
    await succeed("PATCH", "/v1/me", ada, { private: true });
    const missing = `${post.slice(0, -2)}zz`;
    for (const asked of [{ token: ben.token }, { asAnybody: true }]) {
      for (const path of ["", "/comments", "/likes", "/audit"]) {
        const [hidden, absent] = await Promise.all(
          [post, missing].map(async (id) => {
            const response = await ask("GET", `/v1/posts/${id}${path}`, asked);
            const { requestId: _, ...problem } = await response.json<{ requestId: string }>();
            return { status: response.status, problem };
          }),
        );
        expect(hidden, path).toEqual(absent);
      }
    }
    expect((await ask("GET", `/v1/posts/${post}/audit`, { token: cleo.token })).status).toBe(200);
  });

  it("keeps the profile public, but not the lists of followers", async () => {
    const { ada, ben } = await scene();
    await succeed("PATCH", "/v1/me", ada, { private: true });
    const { handle } = ada.person;
    const profile = await (await ask("GET", `/v1/people/${handle}`, { token: ben.token })).json<Profile>();
    expect(profile).toMatchObject({ private: true, followers: 1, posts: 1, followedByMe: false });
    const followers = await (await ask("GET", `/v1/people/${handle}/followers`)).json<{ items: unknown[] }>();
    expect(followers.items).toEqual([]);
  });
});

describe("costs", () => {
  const costs = async ({ token }: Someone, method: string, path: string) =>
    (await warmD1Costs(async () => expect((await ask(method, path, { token })).status).toBe(200))).queries.length;

  it("nothing for readers of a public post, and one query for a follower of a private author", async () => {
    const { ada, ben, cleo, post } = await scene();
    const of = async (by: Someone) => [
      await costs(by, "GET", "/v1/feed"),
      await costs(by, "GET", `/v1/posts/${post}`),
      await costs(by, "PUT", `/v1/posts/${post}/like`),
    ];
    expect([await of(ben), await of(cleo)]).toEqual([
      [2, 2, 1],
      [2, 2, 1],
    ]);
    await succeed("PATCH", "/v1/me", ada, { private: true });
    expect(await of(cleo)).toEqual([2, 3, 2]);
  });

  it("one more query for a post that was not read in the last second", async () => {
    const { ben, post } = await scene();
    await ask("GET", `/v1/posts/${post}`, { token: ben.token });
    later(1001);
    const again = await d1Costs(() => ask("GET", `/v1/posts/${post}`, { token: ben.token }));
    const asked = again.queries.filter((sql) => !sql.includes("shard_moves")); // The shard map, with several databases.
    expect(asked.length).toBe(3); // The session, the like, and the post with what decides about it.
  });

  it("nothing more for a feed page with private authors, or without mutes", async () => {
    const { ada, cleo } = await scene();
    await makePrivate(ada.person);
    const { queries, calls } = await warmD1Costs(() => ask("GET", "/v1/feed", { token: cleo.token }));
    expect([queries.length, calls]).toEqual([2, 1]);
  });
});

describe("a feed", () => {
  const feedOf = async ({ token }: Someone, limit = 20) =>
    (await (await ask("GET", `/v1/feed?limit=${limit}`, { token })).json<PostPage>()).items.map(({ id }) => id);
  const makeLarge = (reader: PersonId, author: PersonId) =>
    d1Of(env, reader)
      .prepare("UPDATE following SET merged = 1 WHERE follower = ? AND followee = ?")
      .bind(reader, author)
      .run();

  it("has a private author's posts for accepted followers only, whether pushed, merged or rebuilt", async () => {
    const { ada, ben, cleo, post } = await scene();
    await makePrivate(ada.person);
    await succeed("PUT", follow(ada), ben);
    expect([await feedOf(cleo), await feedOf(ben)]).toEqual([[post], []]);
    for (const { person } of [ben, cleo]) await makeLarge(person.id, ada.person.id);
    expect([await feedOf(cleo), await feedOf(ben)]).toEqual([[post], []]);
    for (const { person } of [ben, cleo]) {
      const database = d1Of(env, person.id);
      await database.batch([
        database.prepare("UPDATE following SET merged = 0 WHERE follower = ?").bind(person.id),
        database.prepare("DELETE FROM feed WHERE reader = ?").bind(person.id),
        database.prepare("UPDATE people SET seen_day = 1 WHERE id = ?").bind(person.id),
      ]);
    }
    expect([await feedOf(cleo), await feedOf(ben)]).toEqual([[post], []]);
    await succeed("DELETE", `/v1/me/followers/${cleo.person.handle}`, ada);
    expect(await feedOf(cleo)).toEqual([]);
  });

  it("ends when a follower is removed whose follow is not mirrored yet", async () => {
    const { ada, ben, post, read } = await scene();
    await makePrivate(ada.person);
    await d1Of(env, ben.person.id)
      .prepare("INSERT INTO following (follower, followee, active, version) VALUES (?, ?, 1, 1)")
      .bind(ben.person.id, ada.person.id)
      .run();
    later(FRESH_FOR);
    expect(await read(ben)).toBe("200");
    await succeed("DELETE", `/v1/me/followers/${ben.person.handle}`, ada);
    later(FRESH_FOR);
    expect(await read(ben)).toBe("404 post_not_found");
    await mirrorFollow(env, ben.person.id, ada.person.id); // The effect of the follow, late.
    const profile = await ask("GET", `/v1/people/${ada.person.handle}`, { token: ben.token });
    expect(await profile.json<Profile>()).toMatchObject({ followedByMe: false, followers: 1 });
    expect(await feedOf(ben)).not.toContain(post);
  });

  it("is backfilled when a request is accepted", async () => {
    const { ada, ben, post } = await scene();
    await makePrivate(ada.person);
    const asked = await (await succeed("PUT", follow(ada), ben)).json();
    expect(asked).toEqual({ followedByMe: false, requestedByMe: true });
    const profile = () => ask("GET", `/v1/people/${ada.person.handle}`, { token: ben.token });
    expect(await (await profile()).json()).toMatchObject({ requestedByMe: true, followedByMe: false });
    await vi.waitFor(() => succeed("PUT", `/v1/me/requests/${ben.person.handle}`, ada));
    await vi.waitFor(async () => expect(await feedOf(ben)).toEqual([post]));
    expect(await (await profile()).json()).toMatchObject({ requestedByMe: false, followedByMe: true });
    expect(await (await succeed("DELETE", follow(ada), ben)).json()).toEqual({
      followedByMe: false,
      requestedByMe: false,
    });
  });

  it("leaves out muted people, fills the page with others, and shows all again after unmuting", async () => {
    const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
    const posts: PostId[] = [];
    for (const author of [ben, cleo]) await writeFollow(ada.person.id, author.person.id);
    for (const author of [cleo, ben, cleo, ben, ben]) {
      const { id } = await publish(author);
      await projectAll(queues, id);
      await fanOut(env, { post: id, author: author.person.id });
      posts.unshift(id);
    }
    const [fromBen, fromCleo] = [
      [posts[0], posts[1], posts[3]],
      [posts[2], posts[4]],
    ];
    expect(await feedOf(ada)).toEqual(posts);
    await succeed("PUT", `/v1/people/${ben.person.handle}/mute`, ada);
    expect([await feedOf(ada), await feedOf(ada, 2)]).toEqual([fromCleo, fromCleo]);
    await makeLarge(ada.person.id, ben.person.id);
    expect(await feedOf(ada)).toEqual(fromCleo);
    for (const path of [`/v1/posts/${fromBen[0]}`, `/v1/people/${ben.person.handle}/posts`]) {
      expect((await ask("GET", path, { token: ada.token })).status, path).toBe(200);
    }
    await succeed("DELETE", `/v1/people/${ben.person.handle}/mute`, ada);
    expect(await feedOf(ada)).toEqual(posts);
  });
});

describe("requests", () => {
  it("are listed newest first, page by page, without those already decided", async () => {
    const ada = await signUp();
    await makePrivate(ada.person);
    const askers: Someone[] = [];
    for (let n = 0; n < 5; n += 1) {
      const asker = await signUp();
      await succeed("PUT", follow(ada), asker);
      askers.unshift(asker);
    }
    const listed = async () => {
      const ids: string[] = [];
      for (let cursor = ""; ;) {
        const response = await succeed("GET", `/v1/me/requests?limit=2${cursor}`, ada);
        const page = await response.json<{ items: PersonCard[]; next?: string }>();
        ids.push(...page.items.map(({ id }) => id));
        if (page.next === undefined) return ids;
        cursor = `&cursor=${page.next}`;
      }
    };
    const ids = askers.map(({ person }) => person.id);
    await vi.waitFor(async () => expect(await listed()).toEqual(ids));
    expect(await (await succeed("GET", "/v1/me", ada)).json()).toMatchObject({ requests: 5, followers: 0 });
    const [first, second, ...rest] = askers as [Someone, Someone, ...Someone[]];
    await succeed("PUT", `/v1/me/requests/${first.person.handle}`, ada);
    await succeed("DELETE", `/v1/me/requests/${second.person.handle}`, ada);
    expect(await listed()).toEqual(rest.map(({ person }) => person.id));
    await vi.waitFor(async () =>
      expect(await (await succeed("GET", "/v1/me", ada)).json()).toMatchObject({ requests: 3, followers: 1 }),
    );
    for (const cursor of ["x", btoa('["1"]'), btoa('["x","y"]'), btoa('["1","y"]')]) {
      expect(await outcome(await ask("GET", `/v1/me/requests?cursor=${cursor}`, { token: ada.token }))).toBe(
        "400 invalid_cursor",
      );
    }
  });

  it("have a limit, as does the number of people one person follows", async () => {
    const [ada, ben, cleo] = [await signUp(), await signUp(), await signUp()];
    await makePrivate(cleo.person);
    const database = d1Of(env, ada.person.id);
    const tried = async (whom: Someone) => outcome(await ask("PUT", follow(whom), { token: ada.token }));
    const rows = JSON.stringify(Array.from({ length: REQUESTS_MAX }, (_, index) => `0000000000${index}`));
    await database
      .prepare(
        `INSERT INTO following (follower, followee, active, version, requested, asked)
         SELECT ?, value, 0, 1, 1, 1 FROM json_each(?)`,
      )
      .bind(ada.person.id, rows)
      .run();
    expect([await tried(cleo), await tried(ben), await tried(ben)]).toEqual(["409 too_many_requests", "200", "200"]);
    await succeed("DELETE", follow(ben), ada);
    // Pending requests count as follows, so that accepting them never exceeds the limit.
    await database
      .prepare("UPDATE people SET following = ? WHERE id = ?")
      .bind(FOLLOWING_MAX - REQUESTS_MAX, ada.person.id)
      .run();
    expect(await tried(ben)).toBe("409 too_many_follows");
    await database.prepare("UPDATE people SET following = following - 1 WHERE id = ?").bind(ada.person.id).run();
    expect(await tried(ben)).toBe("200");
  });

  it("return 404 for a request that does not exist, and change nothing", async () => {
    const [ada, ben] = [await signUp(), await signUp()];
    for (const [method, path, expected] of [
      ["PUT", "/v1/me/requests/nobody_at_all", "404 person_not_found"],
      ["PUT", `/v1/me/requests/${ben.person.handle}`, "404 request_not_found"],
      ["PUT", `/v1/me/requests/${ada.person.handle}`, "404 request_not_found"],
      ["DELETE", `/v1/me/requests/${ben.person.handle}`, "200"],
      ["DELETE", `/v1/me/followers/${ben.person.handle}`, "200"],
    ] as const) {
      expect(await outcome(await ask(method, path, { token: ada.token })), path).toBe(expected);
    }
  });
});

it("shows comments by a private person on a public post", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await makePrivate(ada.person);
  const { id: post } = await publish(ben);
  await comment(ada, post, "Fine light");
  await projectAll(queues, post);
  const page = await (await ask("GET", `/v1/posts/${post}/comments`)).json<{ items: { author: PersonCard }[] }>();
  expect(page.items.map(({ author }) => author.id)).toEqual([ada.person.id]);
});
