import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Status } from "../../../schema/api/status.ts";
import { type EffectId, newId, type PersonId } from "../../../schema/ids.ts";
import { bindingOf } from "../../../schema/d1/shards.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { deliver, operate } from "../../../tests/runtime/world/dead-letters.ts";
import { flush, recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { withFaults } from "../../../tests/runtime/stores/faults.ts";
import { ask, outcome } from "../../../tests/runtime/world/people.ts";
import { newPost, publishedPost } from "../../../tests/runtime/world/posts.ts";
import { followAll, newReaders } from "../../../tests/runtime/world/readers.ts";
import { fanOut } from "../../feeds/fan-out.ts";
import worker from "../../index.ts";
import { keepDeadLetter } from "../../operations/dead-letters.ts";
import { withMeasures } from "../../operations/measured-consumer.ts";
import { forgetMeasures, measure, measuresSince, saveMeasures, saveMeasuresSoon } from "../../operations/measures.ts";
import { project } from "../../projector/projector.ts";

beforeEach(() => {
  for (const method of ["error", "warn"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const status = async (on: Env = env): Promise<Status> => (await operate("GET", "/status", undefined, on)).json();
const queueIn = ({ queues }: Status, name: string) => queues.find(({ queue }) => queue === name);

it("reports the work and delay of queues, and the dead letters", async () => {
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  const effects = "shutterline-effects";
  const before = queueIn(await status(), effects);
  await deliver(effects, [{ kind: "nonsense" }, { kind: "nonsense", mark: crypto.randomUUID() }], (batch, context) =>
    worker.queue(batch, env, context),
  );
  const after = queueIn(await status(), effects);
  expect(after?.work?.done).toBe((before?.work?.done ?? 0) + 2);
  expect(after?.work?.delay?.meanMs).toBeGreaterThanOrEqual(0);
  expect(after?.deadLetters).toBeGreaterThan(before?.deadLetters ?? 0);
  expect(after?.backlog).toMatchObject({ messages: expect.any(Number) as number, bytes: expect.any(Number) as number });
});

it("counts retries, one by one or by a throw, and how long messages waited", async () => {
  const [queue, now] = [`queue-${crypto.randomUUID()}`, Date.now()];
  vi.useFakeTimers({ now: now + 3000, toFake: ["Date"] });
  const consumers = [
    (batch: MessageBatch) =>
      batch.messages.forEach((message, index) => (index === 0 ? message.retry() : message.ack())),
    (batch: MessageBatch) => batch.ackAll(),
    (batch: MessageBatch) => batch.retryAll(),
    () => undefined,
    () => {
      throw new Error("all again");
    },
  ];
  for (const consumer of consumers) {
    const consume = withMeasures(async (batch) => consumer(batch));
    const aged = (batch: MessageBatch): MessageBatch => ({
      ...batch,
      queue,
      messages: batch.messages.map((message) => ({
        ...message,
        id: message.id,
        timestamp: new Date(now),
        attempts: 1,
        body: 1,
        ack: () => message.ack(),
        retry: () => message.retry(),
      })),
      ackAll: () => batch.ackAll(),
      retryAll: () => batch.retryAll(),
    });
    await deliver(queue, [1, 2, 3], (batch, context) => consume(aged(batch), env, context)).catch(() => undefined);
  }
  await saveMeasures(env);
  const counted = await measuresSince(env, now);
  expect(counted.get(`${queue} done`)).toMatchObject({ count: 8, total: 24_000, most: 3000 });
  expect(counted.get(`${queue} retried`)).toMatchObject({ count: 7, total: 0 });
});

it("adds up the counts of isolates, writes seldom, and deletes them after a day", async () => {
  const name = `things ${crypto.randomUUID()}`;
  const now = Date.now() + 10 * 60_000; // So that measures saved a moment ago do not matter.
  const saved: Promise<unknown>[] = [];
  const background = { waitUntil: (promise: Promise<unknown>) => void saved.push(promise) };
  for (let second = 0; second < 12; second += 1) {
    measure(name, [second], now + second * 1000);
    saveMeasuresSoon(env, background, now + second * 1000);
  }
  expect(saved).toHaveLength(3);
  await Promise.all(saved);
  await saveMeasures(env, now);
  expect((await measuresSince(env, now)).get(name)).toMatchObject({ count: 12, total: 66, most: 11 });
  await forgetMeasures(env, now + 23 * 3_600_000);
  expect((await measuresSince(env, now)).get(name)?.count).toBe(12);
  await forgetMeasures(env, now + 25 * 3_600_000);
  expect((await measuresSince(env, now)).get(name)).toBeUndefined();
});

it("does not fail when measures cannot be saved", async () => {
  const faulty = withFaults(env, { writes: "throws" });
  measure(`things ${crypto.randomUUID()}`, 1);
  await saveMeasures(faulty.env);
  expect(faulty.failed()).toBe(1);
});

it("counts newly delivered rows, not those that were already there", async () => {
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  const queues = recordQueues();
  const [author, ada, ben] = (await newReaders(3)) as [PersonId, PersonId, PersonId];
  await followAll([ada, ben], author);
  const before = (await status()).deliveries;
  const { post, actor } = await publishedPost(author);
  await actor.like(ada);
  await flush(actor);
  for (let time = 0; time < 2; time += 1) {
    await project(env, queues.facts);
    await fanOut(env, { post: post.id, author });
  }
  const after = (await status()).deliveries;
  expect(after?.feeds.rows).toBe((before?.feeds.rows ?? 0) + 2);
  expect(after?.notifications.rows).toBe((before?.notifications.rows ?? 0) + 1);
});

it("distinguishes stuck effects from waiting ones, and counts posts that are behind", async () => {
  const before = await status();
  const [waiting, stuck] = [newId<EffectId>(3, Date.now() - 7_200_000), newId<EffectId>(3)];
  const database = d1Of(env, waiting);
  const binding = bindingOf(env, waiting);
  const { id: post } = newPost();
  const posts = d1Of(env, post);
  const insert = "INSERT INTO effects (id, body, due_at, attempts) VALUES (?, '{}', ?, ?)";
  const far = Date.now() + 3_600_000;
  await database.batch([database.prepare(insert).bind(waiting, far, 2), database.prepare(insert).bind(stuck, far, 20)]);
  await posts
    .prepare("INSERT INTO post_stats (post, likes, comments, seq, projected) VALUES (?, 0, 0, 5, 3)")
    .bind(post)
    .run();
  try {
    const after = await status();
    const effectsIn = ({ effects }: Status) => effects.find((found) => found.database === binding);
    expect(effectsIn(after)?.stuck).toBe((effectsIn(before)?.stuck ?? 0) + 1);
    expect(effectsIn(after)?.mostAttempts).toBeGreaterThanOrEqual(20);
    expect(effectsIn(after)?.oldestSeconds).toBeGreaterThanOrEqual(7200);
    const behindIn = ({ projection }: Status) =>
      projection.find((found) => found.database === bindingOf(env, post))?.behind ?? 0;
    expect(behindIn(after)).toBe(behindIn(before) + 1);
  } finally {
    await database.prepare("DELETE FROM effects WHERE id IN (?, ?)").bind(waiting, stuck).run();
    await posts.prepare("DELETE FROM post_stats WHERE post = ?").bind(post).run();
  }
});

it.each(["throws", "hangs"] as const)(
  "reports what it can when D1 %s, and lists what it could not read",
  async (fault) => {
    const { queues, effects, deadLetters, deliveries, problems } = await status(
      withFaults(env, { reads: fault, queues: fault }).env,
    );
    expect(queues.map(({ backlog, work }) => [backlog, work])).toEqual(queues.map(() => [null, null]));
    expect({ effects, deadLetters, deliveries }).toEqual({ effects: [], deadLetters: null, deliveries: null });
    expect(problems.length).toBeGreaterThanOrEqual(queues.length + 4);
  },
);

it("is available in the Prometheus text format, for the operator only", async () => {
  const { id: post, author } = newPost();
  await keepDeadLetter(env, {
    died: { queue: "shutterline-fan-out", reason: "x", attempts: 6, at: Date.now() },
    body: { post, author },
  });
  const answer = await operate("GET", "/metrics");
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  expect(text).toMatch(/^shutterline_dead_letters\{queue="shutterline-fan-out"\} [1-9]\d*$/m);
  expect(text).toMatch(/^shutterline_effects_stuck\{database="DB"\} \d+$/m);
  for (const line of text.trimEnd().split("\n")) {
    expect(line).toMatch(/^(# (HELP|TYPE) shutterline_\w+ .+|shutterline_\w+(\{\w+="[\w-]+"\})? \d+(\.\d+)?(e-\d+)?)$/);
  }
  for (const path of ["/v1/admin/metrics", "/v1/admin/status", "/v1/admin/dead-letters"])
    expect(await outcome(await ask("GET", path))).toBe("404 not_found");
});
