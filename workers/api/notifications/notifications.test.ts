import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NOTICE_WINDOW } from "../../../durable-objects/post/outbox/outbox-policy.ts";
import type { Notification, NotificationPage, Preferences } from "../../../schema/api/notifications.ts";
import type { Me } from "../../../schema/api/people.ts";
import type { Post } from "../../../schema/api/posts.ts";
import { newId, type PersonId, type PostId } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { comment, succeed, projectAll, publish, type Someone } from "../../../tests/runtime/world/api.ts";
import { recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { ask, makePrivate, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { project } from "../../projector/projector.ts";
import { KEPT_FROM_OTHERS } from "../../notifications/inbox-limit.ts";
import { encodeCursor } from "../../http/cursors.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
  now = Date.now();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

let now: number;
/** Ends all notice windows, and brings D1 up to date. */
async function settle(...posts: { id: PostId }[]): Promise<void> {
  now += NOTICE_WINDOW + 1000; // The first notices went some time after the test had begun.
  vi.useFakeTimers({ now, toFake: ["Date"] });
  for (const { id } of posts) await projectAll(queues, id);
}

const inboxOf = async (someone: Someone) =>
  (await succeed("GET", "/v1/notifications?limit=50", someone)).json<NotificationPage>();
/** The notifications of an inbox as short texts, newest first. */
const summaries = async (someone: Someone) =>
  (await inboxOf(someone)).items.map(
    ({ kind, count, actors, unread }) =>
      `${unread ? "new " : ""}${kind} ${count}: ${actors.map(({ handle }) => handle).join(", ")}`,
  );
const like = (by: Someone, post: Post) => succeed("PUT", `/v1/posts/${post.id}/like`, by);
const unlike = (by: Someone, post: Post) => succeed("DELETE", `/v1/posts/${post.id}/like`, by);
const readAll = (someone: Someone) =>
  succeed("POST", "/v1/notifications/read", someone, { upTo: new Date(now + NOTICE_WINDOW).toISOString() });
const people = () => Promise.all([signUp(), signUp(), signUp(), signUp()]);
const handle = ({ person }: Someone): string => person.handle;
const prefer = (someone: Someone, preferences: object) =>
  succeed("PUT", "/v1/notifications/preferences", someone, preferences);

describe("notifications", () => {
  it("fold the likes of a post into one, and count them all", async () => {
    const [ada, ben, cleo, dan] = await people();
    const eve = await signUp();
    const post = await publish(ada);
    for (const person of [ben, cleo, dan, eve, ada]) await like(person, post);
    await settle(post);
    expect(await summaries(ada)).toEqual([`new like 4: ${[eve, dan, cleo].map(handle).join(", ")}`]);
  });

  it("grow while unread, and become unread again after being read", async () => {
    const [ada, ben, cleo, dan] = await people();
    const post = await publish(ada);
    await like(ben, post);
    await settle(post);
    await like(cleo, post);
    await settle(post);
    expect(await summaries(ada)).toEqual([`new like 2: ${handle(cleo)}, ${handle(ben)}`]);
    await readAll(ada);
    expect(await summaries(ada)).toEqual([`like 2: ${handle(cleo)}, ${handle(ben)}`]);
    await like(dan, post);
    await settle(post);
    expect(await summaries(ada)).toEqual([`new like 3: ${[dan, cleo, ben].map(handle).join(", ")}`]);
  });

  it("ignore a like that is taken back and given again", async () => {
    const [ada, ben] = await people();
    const post = await publish(ada);
    await like(ben, post);
    await unlike(ben, post);
    await settle(post);
    expect(await summaries(ada)).toEqual([]);
    await like(ben, post);
    await settle(post);
    expect(await summaries(ada)).toEqual([`new like 1: ${handle(ben)}`]);
    await readAll(ada);
    for (let turn = 0; turn < 3; turn += 1) {
      await unlike(ben, post);
      await settle(post);
      expect(await summaries(ada)).toEqual([]);
      await like(ben, post);
      await settle(post);
      expect(await summaries(ada)).toEqual([`like 1: ${handle(ben)}`]);
    }
  });

  it("notify each recipient of a comment once: of a reply, else of a mention, else of a comment", async () => {
    const [ada, ben, cleo, dan] = await people();
    const post = await publish(ada);
    const first = await comment(ben, post.id, "Where is this?");
    await comment(ada, post.id, `At home, @${handle(cleo)} knows`, first);
    await comment(cleo, post.id, `Yes @${handle(ben)} @${handle(ada)} @${handle(cleo)} @nobody_at_all`, first);
    await comment(dan, post.id, "Nice");
    await settle(post);
    expect((await summaries(ada)).toSorted()).toEqual([
      `new comment 2: ${handle(dan)}, ${handle(ben)}`,
      `new mention 1: ${handle(cleo)}`,
    ]);
    expect(await summaries(ben)).toEqual([`new reply 2: ${handle(cleo)}, ${handle(ada)}`]);
    expect(await summaries(cleo)).toEqual([`new mention 1: ${handle(ada)}`]);
    expect(await summaries(dan)).toEqual([]);
    const [reply] = (await inboxOf(ben)).items;
    expect(reply).toMatchObject({
      comment: first.id,
      post: { id: post.id },
      excerpt: expect.stringContaining("Yes @"),
    });
  });

  it("notify people mentioned in a caption, but not those mentioned by an edit", async () => {
    const [ada, ben, cleo] = await people();
    const post = await publish(ada, { caption: `With @${handle(ben)} and @${handle(ada)}` });
    await settle(post);
    await succeed("PATCH", `/v1/posts/${post.id}`, ada, { caption: `With @${handle(cleo)}` });
    await settle(post);
    expect(await summaries(ben)).toEqual([`new mention 1: ${handle(ada)}`]);
    expect([await summaries(cleo), await summaries(ada)]).toEqual([[], []]);
  });

  it("fold likes of a comment, and disappear when these are taken back", async () => {
    const [ada, ben, cleo, dan] = await people();
    const post = await publish(ada);
    const { id } = await comment(ben, post.id, "Lovely light");
    for (const person of [cleo, dan, ben]) await succeed("PUT", `/v1/posts/${post.id}/comments/${id}/like`, person);
    await settle(post);
    expect(await summaries(ben)).toEqual([`new comment_like 2: ${handle(dan)}, ${handle(cleo)}`]);
    expect((await inboxOf(ben)).items[0]).toMatchObject({ comment: id, excerpt: "Lovely light" });
    for (const person of [cleo, dan]) await succeed("DELETE", `/v1/posts/${post.id}/comments/${id}/like`, person);
    await settle(post);
    expect(await summaries(ben)).toEqual([]);
  });

  it("disappear with a hidden comment and its replies, and return when it is shown again", async () => {
    const [ada, ben, cleo] = await people();
    const post = await publish(ada);
    const rude = await comment(ben, post.id, "Rude");
    await comment(cleo, post.id, "Ruder", rude);
    await settle(post);
    expect([await summaries(ada), await summaries(ben)]).toEqual([
      [`new comment 2: ${handle(cleo)}, ${handle(ben)}`],
      [`new reply 1: ${handle(cleo)}`],
    ]);
    await succeed("PUT", `/v1/posts/${post.id}/comments/${rude.id}/hidden`, ada);
    await settle(post);
    expect([await summaries(ada), await summaries(ben)]).toEqual([[], []]);
    await succeed("DELETE", `/v1/posts/${post.id}/comments/${rude.id}/hidden`, ada);
    await settle(post);
    expect(await summaries(ben)).toEqual([`new reply 1: ${handle(cleo)}`]);
  });

  it("disappear for everyone, counts included, when the post is deleted", async () => {
    const [ada, ben, cleo] = await people();
    const post = await publish(ada, { caption: `@${handle(cleo)}` });
    const said = await comment(ben, post.id, "Oh");
    await comment(ada, post.id, "Ah", said);
    await settle(post);
    expect((await inboxOf(ben)).unread).toBe(1);
    await succeed("DELETE", `/v1/posts/${post.id}`, ada);
    await settle(post);
    for (const person of [ada, ben, cleo]) {
      expect(await inboxOf(person)).toEqual({ items: [], unread: 0 });
      expect((await (await succeed("GET", "/v1/me", person)).json<Me>()).unread).toBe(0);
    }
  });
});

describe("opting out", () => {
  it("stops a kind, from everyone or from people one does not follow", async () => {
    const [ada, ben, cleo] = await people();
    await succeed("PUT", `/v1/people/${handle(cleo)}/follow`, ada);
    await prefer(ada, { kinds: { like: { who: "following", push: true }, comment: { who: "nobody", push: false } } });
    const post = await publish(ada);
    await like(ben, post);
    await comment(cleo, post.id, "Seen?");
    await settle(post);
    expect(await summaries(ada)).toEqual([]);
    await like(cleo, post);
    await settle(post);
    expect(await summaries(ada)).toEqual([`new like 2: ${handle(cleo)}, ${handle(ben)}`]);
    await readAll(ada);
    await like(await signUp(), post);
    await settle(post);
    expect((await inboxOf(ada)).unread).toBe(0);
  });

  it("stops notifications of a muted post", async () => {
    const [ada, ben] = await people();
    const [quiet, other] = [await publish(ada), await publish(ada)];
    expect(await (await succeed("PUT", `/v1/posts/${quiet.id}/mute`, ada)).json()).toEqual({ mutedByMe: true });
    for (const post of [quiet, other]) await like(ben, post);
    await settle(quiet, other);
    expect((await inboxOf(ada)).items.map((one) => "post" in one && one.post.id)).toEqual([other.id]);
    expect(await (await succeed("GET", `/v1/posts/${quiet.id}/mute`, ada)).json()).toEqual({ mutedByMe: true });
    await succeed("DELETE", `/v1/posts/${quiet.id}/mute`, ada);
    await like(await signUp(), quiet);
    await settle(quiet);
    expect((await inboxOf(ada)).items).toHaveLength(2);
  });

  it("raises nothing from the muted time after a post is unmuted", async () => {
    const [ada, ben, cleo] = await people();
    const post = await publish(ada);
    await succeed("PUT", `/v1/posts/${post.id}/mute`, ada);
    for (const person of [ben, cleo]) await like(person, post);
    await settle(post);
    await succeed("DELETE", `/v1/posts/${post.id}/mute`, ada);
    await unlike(cleo, post);
    await settle(post);
    expect((await inboxOf(ada)).unread).toBe(0);
  });

  it("stops notifications by muted people", async () => {
    const [ada, ben, cleo] = await people();
    await d1Of(env, ada.person.id).prepare("INSERT INTO mutes VALUES (?, ?)").bind(ada.person.id, ben.person.id).run();
    const post = await publish(ada);
    await like(ben, post);
    await comment(ben, post.id, `@${handle(ada)}`);
    await settle(post);
    expect(await inboxOf(ada)).toEqual({ items: [], unread: 0 });
    await like(cleo, post);
    await settle(post);
    await readAll(ada);
    await comment(ben, post.id, "Again");
    await settle(post);
    expect((await inboxOf(ada)).unread).toBe(0);
  });

  it("allows a thousand muted posts and no more", async () => {
    const [ada] = await people();
    const post = await publish(ada);
    await settle(post);
    await d1Of(env, ada.person.id)
      .prepare(
        `INSERT INTO muted_posts WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)
         SELECT ?, n FROM n`,
      )
      .bind(ada.person.id)
      .run();
    expect(await outcome(await ask("PUT", `/v1/posts/${post.id}/mute`, { token: ada.token }))).toBe(
      "409 too_many_mutes",
    );
  });
});

describe("an inbox", () => {
  it("marks one notification as read as it was shown, not what came since", async () => {
    const [ada, ben, cleo] = await people();
    const [first, second] = [await publish(ada), await publish(ada)];
    for (const post of [first, second]) await like(ben, post);
    await settle(first, second);
    const shown = (await inboxOf(ada)).items as [Notification, Notification];
    await like(cleo, first);
    await settle(first);
    const read = ({ id, at }: Notification) => succeed("POST", `/v1/notifications/${id}/read`, ada, { upTo: at });
    for (const one of shown) await read(one);
    const { items, unread } = await inboxOf(ada);
    expect(unread).toBe(1);
    expect(items.map((one) => one.unread)).toEqual([true, false]);
    await read(items[0] as Notification);
    expect((await inboxOf(ada)).unread).toBe(0);
  });

  it("keeps a notification unread that happened before the read but arrived after it", async () => {
    const [ada, ben, cleo] = await people();
    const [first, second] = [await publish(ada), await publish(ada)];
    await like(ben, second);
    await like(cleo, first);
    await settle(first);
    const [shown] = (await inboxOf(ada)).items;
    await settle(second); // It was still being folded, or its message was late.
    await succeed("POST", "/v1/notifications/read", ada, { upTo: shown?.at });
    const { items, unread } = await inboxOf(ada);
    expect([unread, items.map((one) => one.unread)]).toEqual([1, [true, false]]);
  });

  it("counts only visible notifications as unread, even after a hundred hidden ones", async () => {
    const [ada, ben, eve] = await people();
    const [post, hidden] = [await publish(ada), await publish(eve)];
    await like(ben, post);
    await settle(post, hidden);
    await d1Of(env, ada.person.id)
      .prepare(
        `INSERT INTO notifications (recipient, kind, subject, post, actors, count, version, raised, at)
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 120)
         SELECT ?1, 'mention', printf('%013d', n), ?2, json_array(?3), 1, 1, 2, ?4 + n FROM n`,
      )
      .bind(ada.person.id, hidden.id, eve.person.id, now)
      .run();
    expect((await inboxOf(ada)).unread).toBe(100);
    await makePrivate(eve.person);
    now += 2000;
    vi.useFakeTimers({ now, toFake: ["Date"] });
    expect((await inboxOf(ada)).unread).toBe(1);
  });

  it("does not find a notification of someone else, or one that never existed", async () => {
    const [ada, ben] = await people();
    const post = await publish(ada);
    await like(ben, post);
    await settle(post);
    const [entry] = (await inboxOf(ada)).items;
    const read = async (by: Someone, id: string) =>
      outcome(
        await ask("POST", `/v1/notifications/${id}/read`, { token: by.token, body: { upTo: "2099-01-01T00:00:00Z" } }),
      );
    expect(await read(ben, entry?.id ?? "")).toBe("404 notification_not_found");
    expect(await read(ada, `follow.${newId<PersonId>(1)}`)).toBe("404 notification_not_found");
    for (const id of ["like", "like.x", "other.01m3qk7vt4xe9", "like.01m3qk7vt4xe9.x"]) {
      expect(await read(ada, id)).toBe("422 invalid_request");
    }
    expect((await inboxOf(ada)).unread).toBe(1);
  });

  it("ends in the same state in whatever order reads and messages arrive", async () => {
    const [ada, ben, cleo] = await people();
    const post = await publish(ada);
    await like(ben, post);
    now += NOTICE_WINDOW;
    await settle(post);
    await readAll(ada);
    await like(cleo, post);
    await settle(post);
    await readAll(ada);
    const messages = queues.facts.splice(0);
    for (const facts of messages.toReversed()) await project(env, [facts]);
    expect((await inboxOf(ada)).unread).toBe(0);
  });

  it("is trimmed when something is written to it", async () => {
    const [ada, ben] = await people();
    await d1Of(env, ada.person.id)
      .prepare(
        `INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at)
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1100)
         SELECT ?1, 'mention', printf('%013d', n), json_array(n), 1, 1, 2, n FROM n`,
      )
      .bind(ada.person.id)
      .run();
    vi.spyOn(Math, "random").mockReturnValue(0);
    const post = await publish(ada);
    await like(ben, post);
    await settle(post);
    const row = await d1Of(env, ada.person.id)
      .prepare("SELECT count(*) AS count, min(at) AS oldest FROM notifications WHERE recipient = ?")
      .bind(ada.person.id)
      .first();
    expect(row).toEqual({ count: KEPT_FROM_OTHERS, oldest: 1102 - KEPT_FROM_OTHERS });
  });

  it("rejects a foreign cursor", async () => {
    const { token } = await signUp();
    const page = async (key: string) =>
      outcome(await ask("GET", `/v1/notifications?cursor=${encodeCursor([key])}`, { token }));
    const id = newId<PersonId>(0);
    const foreign = [
      "",
      "x",
      id,
      "NaN follow x",
      `1e400 like ${id}`,
      `-1 like ${id}`,
      `1 other ${id}`,
      `1 like ${id} x`,
    ];
    for (const key of foreign) expect(await page(key), key).toBe("400 invalid_cursor");
    expect(await page(`1 follow ${id}`)).toBe("200");
  });
});

describe("preferences", () => {
  it("default to everyone, with pushes and without quiet hours", async () => {
    const ada = await signUp();
    const read = async () => (await succeed("GET", "/v1/notifications/preferences", ada)).json<Preferences>();
    const before = await read();
    expect(new Set(Object.values(before.kinds).map((kind) => JSON.stringify(kind))).size).toBe(1);
    expect(before).toMatchObject({ kinds: { reply: { who: "everyone", push: true } }, quietHours: null });
    const quietHours = { from: "22:30", to: "07:05", timeZone: "Europe/Lisbon" };
    await prefer(ada, { kinds: { reply: { who: "nobody", push: false } }, quietHours });
    expect(await read()).toMatchObject({
      kinds: { reply: { who: "nobody", push: false }, like: { who: "everyone", push: true } },
      quietHours,
    });
    await prefer(ada, {});
    expect(await read()).toEqual(before);
  });

  it.each([
    { kinds: { like: { who: "friends", push: true } } },
    { kinds: { like: { who: "nobody" } } },
    { quietHours: { from: "24:00", to: "07:00", timeZone: "UTC" } },
    { quietHours: { from: "23:00", to: "07:00", timeZone: "Europe/Atlantis" } },
    { quietHours: { from: "23:00", to: "07:00", timeZone: "x".repeat(10_000) } },
  ])("reject %j", async (preferences) => {
    const { token } = await signUp();
    expect(await outcome(await ask("PUT", "/v1/notifications/preferences", { token, body: preferences }))).toBe(
      "422 invalid_request",
    );
  });
});
