import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { NOTICE_WINDOW } from "../../durable-objects/post/outbox/outbox-policy.ts";
import { newId } from "../../schema/ids.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { comment, succeed, projectAll, publish, type Someone } from "../../tests/runtime/world/api.ts";
import { d1Costs } from "../../tests/runtime/stores/d1-costs.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { withFaults } from "../../tests/runtime/stores/faults.ts";
import { ask, signUp } from "../../tests/runtime/world/people.ts";
import { writeFollow } from "../../tests/runtime/world/posts.ts";
import {
  type Key,
  markInboxRead,
  pushWorld,
  stateOf,
  writeFollowNotification,
  writeNotification,
} from "../../tests/runtime/push/pushed.ts";
import { AGAIN_AFTER } from "./due.ts";
import { PUSHES_A_MINUTE, PUSHES_FROM_STRANGERS } from "./pace.ts";

const world = await pushWorld();
const { services, messages } = world;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  services.arrived.length = 0;
  messages.length = 0;
});

const titles = () => services.arrived.map(({ payload }) => payload.title);
const HOUR = 3_600_000; // ms
/** The next half past ten at night, UTC, in ms since 1970. */
const nextEvening = () => Math.ceil(Date.now() / (24 * HOUR)) * 24 * HOUR + 22.5 * HOUR;
const atTime = (now: number) => vi.useFakeTimers({ now, toFake: ["Date"] });

it("pushes what others did to each of a person's browsers, encrypted for it, and shows it as the inbox does", async () => {
  const queues = recordQueues();
  const author = await world.someone();
  const laptop = await world.subscribed(author, services.browser());
  const [reader, other] = [await signUp(), await signUp()];
  const post = await publish(author);
  await comment(reader, post.id, "Is that the Eiger?");
  await succeed("PUT", `/v1/posts/${post.id}/like`, reader);
  await succeed("PUT", `/v1/posts/${post.id}/like`, other);
  await projectAll(queues, post.id);
  const recipient = author.person.id;
  const [liked, commented] = (["like", "comment"] as const).map((kind) => ({ recipient, kind, subject: post.id }));
  await world.announced(...([liked, commented] as Key[]));

  const arrived = (kind: string) => services.arrived.filter(({ payload }) => payload.tag.startsWith(`${kind} `));
  for (const browser of [author.browser, laptop]) {
    expect(arrived("comment").find((push) => push.browser === browser)?.payload).toMatchObject({
      title: `${reader.person.name} commented on your post`,
      body: "“Is that the Eiger?”",
      url: `/posts/${post.id}`,
    });
    expect(arrived("like").find((push) => push.browser === browser)?.payload).toMatchObject({
      title: `${other.person.name} and ${reader.person.name} liked your post`,
      body: "",
      url: `/posts/${post.id}`,
    });
  }
  expect(services.arrived).toHaveLength(4);
  const [{ headers: low } = {}, { headers: normal } = {}] = [arrived("like")[0], arrived("comment")[0]];
  expect([low?.get("urgency"), normal?.get("urgency")]).toEqual(["low", "normal"]);
  expect([low?.get("ttl"), normal?.get("ttl")]).toEqual(["86400", "259200"]);
  expect(low?.get("topic")).toMatch(/^[\w-]{32}$/);
  expect(low?.get("topic")).not.toBe(normal?.get("topic"));
  expect(low?.get("content-encoding")).toBe("aes128gcm");
  expect(services.arrived.map(({ bytes }) => bytes)).toEqual([4096, 4096, 4096, 4096]); // No kind has a size of its own.
  const { raised, pushed, pushedAt } = await stateOf(liked as Key);
  expect(pushed).toBe(raised);
  expect(Date.now() - pushedAt).toBeLessThan(60_000);
});

it("pushes once what is announced, sent or delivered twice", async () => {
  const [ada, ben] = [await world.someone(), await signUp()];
  const key = await writeFollowNotification(ada, [ben]);
  await world.consume([key, key, key]);
  await world.consume([key]);
  await world.announced(key, key);
  expect(titles()).toEqual([`${ben.person.name} follows you`]);
});

it("pushes when an entry becomes unread, and not again for likes and follows while it is", async () => {
  const [ada, ben, cleo] = [await world.someone(), await signUp(), await signUp()];
  const key = await writeFollowNotification(ada, [ben]);
  await world.announced(key);
  await writeFollowNotification(ada, [cleo, ben], { subject: ben.person.id });
  await world.announced(key);
  expect(services.arrived).toHaveLength(1);

  await markInboxRead(ada);
  await world.announced(key);
  expect(services.arrived).toHaveLength(1);

  await writeFollowNotification(ada, [cleo, ben], { subject: ben.person.id });
  await world.announced(key);
  expect(titles().at(-1)).toBe(`${cleo.person.name} and ${ben.person.name} follow you`);
  expect(services.arrived).toHaveLength(2);
  expect(services.arrived[0]?.payload.tag).toBe(services.arrived[1]?.payload.tag);
  expect(services.arrived[0]?.headers.get("topic")).toBe(services.arrived[1]?.headers.get("topic"));
  expect(services.arrived[1]?.payload.version).toBeGreaterThan(services.arrived[0]?.payload.version ?? 0);
});

it("pushes what people write again after five minutes, by one message that waits", async () => {
  const queues = recordQueues();
  const [author, reader] = [await world.someone(), await signUp()];
  const post = await publish(author);
  const key: Key = { recipient: author.person.id, kind: "comment", subject: post.id };
  const write = async (text: string) => {
    await comment(reader, post.id, text);
    atTime(Date.now() + NOTICE_WINDOW);
    await projectAll(queues, post.id);
    await world.announced(key);
  };
  await write("First");
  await write("Second");
  await write("Third");
  expect(services.arrived).toHaveLength(1);
  expect(messages).toEqual([{ body: { ...key, held: true }, delay: (AGAIN_AFTER - NOTICE_WINDOW) / 1000 }]);

  atTime(Date.now() + AGAIN_AFTER + 1000);
  await world.consume(messages.splice(0).map(({ body }) => body));
  expect(services.arrived.at(-1)?.payload).toMatchObject({
    title: `${reader.person.name} left 3 comments`,
    body: "“Third”",
  });
  expect(services.arrived).toHaveLength(2);

  atTime(Date.now() + AGAIN_AFTER + 1000); // Nothing has been written since.
  await world.consume([key]);
  expect(services.arrived).toHaveLength(2);
  expect(messages).toEqual([]);
});

it("pushes nothing that was seen, taken back, deleted, blocked, not wanted, or whose session is over", async () => {
  const queues = recordQueues();
  const ben = await signUp();
  const silent = async (happens: (ada: Awaited<ReturnType<typeof world.someone>>, key: Key) => Promise<unknown>) => {
    const ada = await world.someone();
    const key = await writeFollowNotification(ada, [ben]);
    await happens(ada, key);
    await world.consume([key]); // It was on its way already.
    expect(services.asked).toEqual([]);
  };
  services.asked.length = 0;
  await silent((ada) => markInboxRead(ada));
  await silent((ada, key) =>
    writeFollowNotification(ada, [ben], { subject: key.subject as never, count: 0, actors: [], events: [] }),
  );
  await silent((ada) => succeed("PUT", `/v1/people/${ben.person.handle}/block`, ada));
  await silent(({ person }) =>
    d1Of(env, person.id)
      .prepare("INSERT INTO notification_preferences (person, kind, who, push) VALUES (?, 'follow', 'everyone', 0)")
      .bind(person.id)
      .run(),
  );
  await silent(({ token }) => ask("DELETE", "/v1/sessions/current", { token }));
  await silent(({ person }) =>
    d1Of(env, person.id).prepare("UPDATE sessions SET expires_at = 1 WHERE person = ?").bind(person.id).run(),
  );
  await silent(({ browser: { subscription }, token }) =>
    ask("DELETE", "/v1/push-subscriptions", { token, body: { endpoint: subscription.endpoint } }),
  );

  const author = await world.someone();
  const post = await publish(author);
  await succeed("PUT", `/v1/posts/${post.id}/like`, ben);
  await projectAll(queues, post.id);
  await succeed("DELETE", `/v1/posts/${post.id}`, author);
  await world.consume([{ recipient: author.person.id, kind: "like", subject: post.id }]);
  expect(services.asked).toEqual([]);
});

it("is silent in quiet hours, and pushes at their end what is still unread, as it is then", async () => {
  const evening = nextEvening();
  atTime(evening);
  const [ada, ben, cleo] = [await world.someone(), await signUp(), await signUp()];
  await d1Of(env, ada.person.id)
    .prepare("INSERT INTO quiet_hours (person, from_minute, to_minute, time_zone) VALUES (?, 1320, 420, 'UTC')")
    .bind(ada.person.id)
    .run();
  const [shown, seen] = [await writeFollowNotification(ada, [ben]), await writeFollowNotification(ada, [cleo])];
  await world.announced(shown, seen);
  await world.announced(shown, seen);
  await world.consume([shown]);
  expect(services.arrived).toEqual([]);
  expect(messages.map(({ delay }) => delay)).toEqual([30_600, 30_600]); // Eight and a half hours, each once.

  await markInboxRead(ada);
  atTime(evening + 4.5 * HOUR);
  await writeFollowNotification(ada, [cleo, ben], { subject: shown.subject as never });
  await world.announced(shown);
  expect(services.arrived).toEqual([]);
  const waiting = messages.splice(0).map(({ body }) => body);
  expect(waiting).toHaveLength(2);

  // A queue's clock may be early: then it waits for the rest.
  atTime(evening + 8.5 * HOUR - 30_000);
  await world.consume(waiting);
  expect(services.arrived).toEqual([]);
  const rest = messages.splice(0);
  expect(rest.map(({ delay }) => delay)).toEqual([30]);
  atTime(evening + 8.5 * HOUR + 1000);
  await world.consume(rest.map(({ body }) => body));
  expect(titles()).toEqual([`${cleo.person.name} and ${ben.person.name} follow you`]);
});

it("pushes one person so many times a minute, the last of which says how much more there is", async () => {
  const ada = await world.someone();
  const others = await Promise.all(Array.from({ length: 10 }, () => signUp()));
  const keys: Key[] = [];
  for (const other of others) keys.push(await writeFollowNotification(ada, [other]));
  await world.announced(...keys);
  expect(services.arrived).toHaveLength(PUSHES_A_MINUTE);
  const last = services.arrived.at(-1)?.payload;
  expect(last).toMatchObject({ title: "5 more notifications", url: "/notifications", tag: "more" });

  const late = await writeFollowNotification(ada, [await signUp()]);
  await world.announced(late, ...keys);
  expect(services.arrived).toHaveLength(PUSHES_A_MINUTE);
  expect((await stateOf(late)).pushed).toBe((await stateOf(late)).raised);

  atTime(Date.now() + 61_000);
  await world.announced(await writeFollowNotification(ada, [await signUp()]));
  expect(services.arrived).toHaveLength(PUSHES_A_MINUTE + 1);
});

it("leaves places for followed people when strangers flood somebody, however much they write", async () => {
  const queues = recordQueues();
  const [ada, friend, stranger] = [await world.someone(), await signUp(), await signUp()];
  await writeFollow(ada.person.id, friend.person.id);
  const post = await publish(ada);
  await projectAll(queues, post.id);
  let raised = Date.now();
  const mention = ({ person }: Someone): Promise<Key> => {
    raised += 1;
    return writeNotification({
      recipient: ada.person.id,
      kind: "mention",
      subject: newId(0, raised, 0),
      post: post.id,
      count: 1,
      actors: [person.id],
      excerpt: "Look at this",
      version: raised,
      events: [{ actor: person.id, raised }],
    });
  };
  const flood = async (count: number) => {
    const keys: Key[] = [];
    for (let number = 0; number < count; number += 1) keys.push(await mention(stranger));
    await world.announced(...keys);
  };
  await flood(20);
  await flood(60); // More than an inbox keeps of one person.
  await flood(5);
  expect(services.arrived).toHaveLength(PUSHES_FROM_STRANGERS);
  expect(titles().at(-1)).toBe("18 more notifications");
  await world.announced(await mention(friend), await mention(friend));
  expect(titles().filter((title) => title.startsWith(friend.person.name))).toHaveLength(2);
});

it("goes on pushing somebody who has more news than places every minute", async () => {
  const start = Date.now();
  atTime(start);
  const [ada, ben] = [await world.someone(), await signUp()];
  const pushes: number[] = [];
  for (let minute = 0; minute < 4; minute += 1) {
    const before = services.arrived.length;
    for (let n = 0; n < 8; n += 1) {
      atTime(start + minute * 60_000 + n * 7500);
      await world.announced(
        await writeFollowNotification(ada, [ben], { subject: newId(0, start - minute * 1000 - n, 0) }),
      );
    }
    pushes.push(services.arrived.length - before);
  }
  expect(Math.min(...pushes)).toBeGreaterThan(0);
  expect(Math.max(...pushes)).toBeLessThanOrEqual(PUSHES_A_MINUTE);
});

it("settles each message by itself when they cannot be handled together", async () => {
  const log = vi.spyOn(console, "error").mockReturnValue();
  const [ada, ben] = [await world.someone(), await signUp()];
  const key = await writeFollowNotification(ada, [ben]);
  expect(await world.consume([{ kind: "follow" }, key, "poison"])).toEqual({ acked: 3, retried: 0 });
  expect(services.arrived).toHaveLength(1);
  expect(log.mock.calls.map(([message]) => message)).toEqual([
    "message failed for good, stored as a dead letter",
    "message failed for good, stored as a dead letter",
  ]);

  const other = await writeFollowNotification(ada, [await signUp()]);
  const { env: faulty } = withFaults(world.env, { reads: "throws" });
  vi.spyOn(console, "warn").mockReturnValue();
  expect(await world.consume([other], faulty)).toEqual({ acked: 0, retried: 1 });
  expect(services.arrived).toHaveLength(1);
  expect(await world.consume([other])).toEqual({ acked: 1, retried: 0 });
  expect(services.arrived).toHaveLength(2);
});

it("costs a batch two D1 batches of a database and what its inboxes cost, and a row for each entry and recipient", async () => {
  const people = [await world.someone(), await world.someone()];
  const ben = await signUp();
  const keys = await Promise.all(people.map((person) => writeFollowNotification(person, [ben])));
  await world.consume([await writeFollowNotification(people[0] as never, [ben])]); // Ben's name is in memory.
  const databases = new Set(people.map(({ person }) => d1Of(env, person.id))).size;
  const costs = await d1Costs(() => world.consume(keys));
  expect(services.arrived.length).toBeGreaterThan(1);
  expect(costs.queries.length).toBeLessThanOrEqual(5 * databases);
  expect(costs.rowsWritten).toBeLessThanOrEqual(2);
});
