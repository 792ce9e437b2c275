import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DeadLetterPage, ReplayResult } from "../../../schema/api/dead-letters.ts";
import { DEAD_LETTERS } from "../../../schema/messages/dead-letters.ts";
import { allDeadLetters, deadLetterAbout, operate } from "../../../tests/runtime/world/dead-letters.ts";
import { withFaults } from "../../../tests/runtime/stores/faults.ts";
import { outcome } from "../../../tests/runtime/world/people.ts";
import { newPost } from "../../../tests/runtime/world/posts.ts";
import { queueTo } from "../../../tests/runtime/queues/queue.ts";
import { keepDeadLetter, DEAD_LETTERS_MAX, forgetReplayed } from "../../operations/dead-letters.ts";

beforeEach(() => {
  for (const method of ["error", "warn"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const QUEUE = "shutterline-fan-out";

/** Creates dead letters of unique posts, and returns them oldest first. */
async function dead(number = 1, reason = "Error: broken") {
  const posts = Array.from({ length: number }, newPost);
  for (const { id: post, author } of posts) await die({ post, author }, reason);
  const subjects = new Map(posts.map(({ id, author }) => [id as string, { post: id, author }]));
  const letters = (await allDeadLetters()).filter(({ subject }) => subjects.has(subject)).toReversed();
  return letters.map((letter) => ({ ...letter, body: subjects.get(letter.subject) }));
}

const die = (body: unknown, reason = "Error: broken", queue = QUEUE) =>
  keepDeadLetter(env, { died: { queue, reason, attempts: 6, at: Date.now() }, body });

const one = <T>([only]: T[]): T => {
  if (only === undefined) throw new Error("there is none");
  return only;
};

/** An environment whose fan-out queue records its messages. */
function recordingEnv() {
  const sent: unknown[] = [];
  return { sent, on: { ...env, FAN_OUT: queueTo((body) => sent.push(body)) } };
}

it("folds repeated deaths of one subject into one dead letter with the newest reason", async () => {
  const letter = one(await dead(1, "Error: first"));
  await die(letter.body, "Error: second");
  const folded = await deadLetterAbout(letter.subject);
  expect(folded).toMatchObject({ id: letter.id, deaths: 2, reason: "Error: second", firstAt: letter.firstAt });
  expect((await dead(1)).map(({ id }) => id)).toEqual([letter.id + 1]);
});

it("lists by page and by queue, without bodies", async () => {
  const letters = await dead(5);
  await die({ mark: crypto.randomUUID() }, "Error: other", "shutterline-effects");
  const ids = new Set(letters.map(({ id }) => id));
  const seen: number[] = [];
  let cursor = "";
  do {
    const answer = await operate("GET", `/dead-letters?limit=2&queue=${QUEUE}${cursor}`);
    const { items, next } = await answer.json<DeadLetterPage>();
    expect(items.every((item) => item.queue === QUEUE && !("body" in item))).toBe(true);
    seen.push(...items.map(({ id }) => id));
    cursor = next === undefined ? "" : `&cursor=${next}`;
  } while (cursor !== "");
  expect(seen).toEqual(seen.toSorted((a, b) => b - a));
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.filter((id) => ids.has(id))).toHaveLength(5);
});

it("replays the same body to the same queue, and marks the dead letter once that has accepted it", async () => {
  const letter = one(await dead());
  const { sent, on } = recordingEnv();
  expect((await operate("POST", `/dead-letters/${letter.id}/replay`, undefined, on)).status).toBe(204);
  expect(sent).toEqual([letter.body]);
  const replayed = await deadLetterAbout(letter.subject);
  expect(replayed).toMatchObject({ id: letter.id, replays: 1 });
  expect(replayed?.replayedAt).toBeDefined();
  expect((await allDeadLetters()).some(({ id }) => id === letter.id)).toBe(false);
  expect((await operate("POST", `/dead-letters/${letter.id}/replay`, undefined, on)).status).toBe(204);
  expect(sent).toHaveLength(2); // Delivery is at least once, which its consumer tolerates.

  await die(letter.body, "Error: again");
  const again = await deadLetterAbout(letter.subject);
  expect(again).toMatchObject({ id: letter.id, deaths: 2, replays: 2, reason: "Error: again" });
  expect(again?.replayedAt).toBeUndefined();
});

it.each(["throws", "hangs"] as const)("keeps the dead letter when its queue %s", async (fault) => {
  const letter = one(await dead());
  const faulty = withFaults(env, { queues: fault });
  if (fault === "throws") {
    const send = () => Promise.reject(new Error("Queue sendBatch failed: Too Many Requests"));
    faulty.env.FAN_OUT = { ...queueTo(() => undefined), sendBatch: send };
  }
  const refused = await operate("POST", `/dead-letters/${letter.id}/replay`, undefined, faulty.env);
  expect(await outcome(refused)).toBe("503 unavailable");
  expect(await deadLetterAbout(letter.subject)).toMatchObject({ id: letter.id, replays: 0 });
  expect((await allDeadLetters()).some(({ id }) => id === letter.id)).toBe(true);
});

it("keeps a dead letter waiting if its message dies again before the replay is recordingEnv", async () => {
  const letter = one(await dead());
  const on = { ...env, FAN_OUT: queueTo(() => undefined) };
  on.FAN_OUT.sendBatch = async () => {
    await die(letter.body, "Error: at once");
    return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  };
  expect((await operate("POST", `/dead-letters/${letter.id}/replay`, undefined, on)).status).toBe(204);
  expect((await allDeadLetters()).find(({ id }) => id === letter.id)).toMatchObject({ deaths: 2, replays: 1 });
});

it("replays the named dead letters, or all that wait, by page and each once", async () => {
  const letters = await dead(130);
  const bodies = letters.map(({ body }) => body);
  const { sent, on } = recordingEnv();
  const [first, second] = letters;
  const ids = [first?.id, second?.id, 2 ** 40];
  const named = await operate("POST", "/dead-letters/replay", { ids }, on);
  expect(await named.json()).toEqual({ replayed: [first?.id, second?.id], unknown: [] });
  expect(sent.splice(0)).toEqual(bodies.slice(0, 2));

  let cursor: string | undefined;
  let pages = 0;
  do {
    const answer = await operate("POST", "/dead-letters/replay", { queue: QUEUE, cursor }, on);
    const page = await answer.json<ReplayResult>();
    for (const { id, body } of letters) if (page.replayed.includes(id) && id === letters[5]?.id) await die(body);
    cursor = page.next;
    pages += 1;
  } while (cursor !== undefined);
  expect(pages).toBeGreaterThan(1);
  const known = new Set(letters.map(({ subject }) => subject));
  const mine = sent.filter((body) => known.has((body as { post: string }).post));
  expect(mine).toEqual(bodies.slice(2));
  expect((await allDeadLetters(`&queue=${QUEUE}`)).map(({ id }) => id)).toEqual([letters[5]?.id]);
});

it("splits a replay into batches that the queue accepts", async () => {
  const marks = [1, 2, 3].map(() => crypto.randomUUID());
  for (const mark of marks) await die({ mark, filler: "x".repeat(110_000) });
  const found = (await allDeadLetters()).filter(({ bytes }) => bytes > 110_000).slice(0, 3);
  const sizes: number[] = [];
  const FAN_OUT = queueTo(() => undefined);
  FAN_OUT.sendBatch = async (messages) => {
    sizes.push([...messages].length);
    return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  };
  const answer = await operate("POST", "/dead-letters/replay", { ids: found.map(({ id }) => id) }, { ...env, FAN_OUT });
  expect((await answer.json<ReplayResult>()).replayed).toHaveLength(3);
  expect(sizes).toEqual([1, 1, 1]);
});

it("discards, returns 404 for unknown dead letters, and rejects a replay without a known queue", async () => {
  const letter = one(await dead());
  for (let time = 0; time < 2; time += 1)
    expect((await operate("DELETE", `/dead-letters/${letter.id}`)).status).toBe(204);
  expect(await outcome(await operate("GET", `/dead-letters/${letter.id}`))).toBe("404 dead_letter_not_found");
  expect(await outcome(await operate("POST", `/dead-letters/${letter.id}/replay`))).toBe("404 dead_letter_not_found");
  expect(await outcome(await operate("GET", "/dead-letters/nonsense"))).toBe("422 invalid_request");
  expect(await outcome(await operate("GET", "/dead-letters?cursor=nonsense"))).toBe("400 invalid_cursor");
  expect(await outcome(await operate("POST", "/dead-letters/replay", { cursor: "WyJhIiwiYiJd" }))).toBe(
    "400 invalid_cursor",
  );
  const mark = crypto.randomUUID();
  await die({ mark }, "", DEAD_LETTERS);
  const foundling = one(await allDeadLetters(`&queue=${DEAD_LETTERS}`));
  expect(await outcome(await operate("POST", `/dead-letters/${foundling.id}/replay`))).toBe("409 queue_unknown");
  const many = await operate("POST", "/dead-letters/replay", { ids: [foundling.id] });
  expect(await many.json()).toEqual({ replayed: [], unknown: [foundling.id] });
});

it("deletes dead letters a day after their replay", async () => {
  const [replayed, waiting] = await dead(2);
  const { on } = recordingEnv();
  await operate("POST", `/dead-letters/${replayed?.id}/replay`, undefined, on);
  await forgetReplayed(env, Date.now() + 23 * 3_600_000);
  expect(await deadLetterAbout(replayed?.subject ?? "")).toBeDefined();
  await forgetReplayed(env, Date.now() + 25 * 3_600_000);
  expect(await deadLetterAbout(replayed?.subject ?? "")).toBeUndefined();
  expect(await deadLetterAbout(waiting?.subject ?? "")).toBeDefined();
});

it("keeps the newest dead letters, and logs that it drops the oldest", async () => {
  const oldest = one(await dead());
  await env.DB.prepare(
    `INSERT INTO dead_letters (id, queue, subject, attempts, deaths, replays, first_at, last_at, bytes, body)
     VALUES (?, ?, ?, 1, 1, 0, 0, 0, 2, '{}')`,
  )
    .bind(oldest.id + DEAD_LETTERS_MAX - 1, QUEUE, crypto.randomUUID())
    .run();
  expect(await deadLetterAbout(oldest.subject)).toBeDefined();
  const errors = vi.spyOn(console, "error").mockReturnValue();
  const newest = one(await dead());
  expect(newest.id).toBe(oldest.id + DEAD_LETTERS_MAX);
  expect(await deadLetterAbout(oldest.subject)).toBeUndefined();
  expect(await deadLetterAbout(newest.subject)).toBeDefined();
  expect(errors.mock.calls.flat()).toContain("oldest dead letters dropped");
});
