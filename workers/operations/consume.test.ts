/// <reference types="vite/types/importMeta.d.ts" />
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { z } from "zod";
import { DEAD_LETTERS } from "../../schema/messages/dead-letters.ts";
import { type EffectId, newId } from "../../schema/ids.ts";
import { deliver, deadLetterAbout } from "../../tests/runtime/world/dead-letters.ts";
import { type Faults, withFaults } from "../../tests/runtime/stores/faults.ts";
import { newPerson, newPost } from "../../tests/runtime/world/posts.ts";
import worker from "../index.ts";
import { backOff } from "./back-off.ts";
import { ATTEMPTS_MAX, consumeDeadLetters } from "./dead-letters.ts";
import { QUEUES } from "./queues.ts";
import { consume } from "./consume.ts";

beforeEach(() => {
  for (const method of ["error", "warn"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const QUEUE = "shutterline-fan-out";
/** Creates a unique message, and returns it with its subject. */
function newFanOut() {
  const { id: post, author } = newPost();
  return { subject: post, body: { post, author } };
}
const AnyFanOut = z.object({ post: z.string(), author: z.string() });

/** Delivers `body` as often as the queue would; the platform moves it once it has failed ATTEMPTS_MAX times. */
async function deliverUntilSettled(body: unknown, handle: () => Promise<void>, on: Env = env) {
  for (let attempts = 1; attempts <= ATTEMPTS_MAX; attempts += 1) {
    const consumer = (batch: MessageBatch) => consume(batch, on, AnyFanOut, handle);
    const { acks } = await deliver(QUEUE, [body], consumer, attempts);
    if (acks.length > 0) return { attempts, isMoved: false };
  }
  return { attempts: ATTEMPTS_MAX, isMoved: true };
}

it.each(Array.from({ length: ATTEMPTS_MAX + 2 }, (_, failures) => failures))(
  "handles a message once after %i failures, or keeps it as a dead letter with its reason",
  async (failures) => {
    const { subject, body } = newFanOut();
    let [left, handled] = [failures, 0];
    const handle = async () => {
      if ((left -= 1) >= 0) throw new Error(`failure ${failures - left}`);
      handled += 1;
    };
    const { attempts, isMoved } = await deliverUntilSettled(body, handle);
    expect({ attempts, isMoved }).toEqual({ attempts: Math.min(failures + 1, ATTEMPTS_MAX), isMoved: false });
    const isDead = failures >= ATTEMPTS_MAX;
    expect(handled).toBe(isDead ? 0 : 1);
    const letter = await deadLetterAbout(subject);
    if (isDead) {
      expect(letter).toMatchObject({ queue: QUEUE, attempts: ATTEMPTS_MAX, deaths: 1, replays: 0, body });
      expect(letter?.reason).toBe(`Error: failure ${ATTEMPTS_MAX}`);
    } else expect(letter).toBeUndefined();
  },
);

it.each([false, true])(
  "settles the other 99 messages of a batch with one poison message, together: %s",
  async (together) => {
    const [poison, ...others] = Array.from({ length: 100 }, newFanOut);
    const bodies = [...others.slice(0, 40), poison, ...others.slice(40)].map((message) => message?.body);
    const seen: string[] = [];
    const consumer = (batch: MessageBatch) =>
      consume(
        batch,
        env,
        AnyFanOut,
        async ({ post }) => {
          if (post === poison?.subject) throw new Error("poison");
          seen.push(post);
        },
        { together },
      );
    const first = await deliver(QUEUE, bodies, consumer);
    expect(first.acks).toHaveLength(99);
    expect(first.retries.map(({ msgId }) => msgId)).toEqual(["40"]);
    expect(seen.toSorted()).toEqual(others.map(({ subject }) => subject as string).toSorted());
    const last = await deliver(QUEUE, [poison?.body], consumer, ATTEMPTS_MAX);
    expect(last.acks).toEqual(["0"]);
    expect(await deadLetterAbout(poison?.subject ?? "")).toMatchObject({ queue: QUEUE, reason: "Error: poison" });
  },
);

it("keeps a message that does not match its schema at once, with the reason", async () => {
  const body = { post: "nonsense", mark: crypto.randomUUID() };
  const handled = vi.fn();
  const { acks } = await deliver("shutterline-effects", [body], (batch, context) =>
    worker.queue(batch, env, context).then(handled),
  );
  expect(acks).toEqual(["0"]);
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const letter = await deadLetterAbout(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex());
  expect(letter).toMatchObject({ queue: "shutterline-effects", attempts: 1, body, bytes: bytes.length });
  expect(letter?.reason).toMatch(/^It does not match its schema: [^]*kind/);
});

it.each(["throws", "hangs"] as const)("keeps the reason in the dead letter queue while D1 %s", async (fault) => {
  const faults: Faults = { writes: fault };
  const faulty = withFaults(env, faults);
  const sent: unknown[] = [];
  const DEAD: Queue = { ...env.DEAD_LETTERS, send: async (letter: unknown) => sent.push(letter) as never };
  const { subject, body } = newFanOut();
  const broken = () => Promise.reject(new Error("broken"));
  const { isMoved } = await deliverUntilSettled(body, broken, { ...faulty.env, DEAD_LETTERS: DEAD });
  expect(isMoved).toBe(false);
  expect(sent).toHaveLength(1);
  const arrive = (on: Env) => deliver(DEAD_LETTERS, sent, (batch) => consumeDeadLetters(batch, on));
  expect((await arrive(faulty.env)).retries).toHaveLength(1);
  expect(await deadLetterAbout(subject)).toBeUndefined();
  delete faults.writes;
  expect((await arrive(faulty.env)).acks).toEqual(["0"]);
  expect(await deadLetterAbout(subject)).toMatchObject({
    queue: QUEUE,
    reason: "Error: broken",
    attempts: ATTEMPTS_MAX,
  });
});

it("does not acknowledge a message that can be kept nowhere, and finds its queue again once it is moved", async () => {
  const faulty = withFaults(env, { writes: "throws", queues: "throws" });
  const [fanOut, effect] = [
    newFanOut(),
    { kind: "follow", id: newId<EffectId>(7), follower: newPerson(), followee: newPerson() },
  ];
  const { isMoved } = await deliverUntilSettled(fanOut.body, () => Promise.reject(new Error("broken")), faulty.env);
  expect(isMoved).toBe(true);
  const [inspection, nonsense] = [
    { kind: "inspect", id: newId<EffectId>(8), media: newPerson() },
    { mark: crypto.randomUUID() },
  ];
  const moved = await deliver(DEAD_LETTERS, [fanOut.body, effect, inspection, nonsense], (batch, context) =>
    worker.queue(batch, env, context),
  );
  expect(moved.acks).toHaveLength(4);
  const bare = await deadLetterAbout(fanOut.subject);
  expect(bare).toMatchObject({ queue: QUEUE, attempts: ATTEMPTS_MAX, body: fanOut.body });
  expect(bare?.reason).toBeUndefined();
  expect(await deadLetterAbout(`follow ${effect.id}`)).toMatchObject({ queue: "shutterline-effects" });
  expect(await deadLetterAbout(`inspect ${inspection.id}`)).toMatchObject({ queue: "shutterline-inspections" });
});

it("backs off up to a limit, with jitter", async () => {
  const delays = (attempts: number) => Array.from({ length: 200 }, () => backOff(attempts, 300));
  for (const [attempts, least, most] of [
    [1, 2, 4],
    [3, 8, 16],
    [5, 32, 64],
    [50, 150, 300],
  ] as const) {
    const drawn = delays(attempts);
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(most);
    expect(new Set(drawn).size).toBeGreaterThan(1);
    expect(drawn.every(Number.isInteger)).toBe(true);
  }
  const waits = new Set<number | undefined>();
  await deliver(QUEUE, Array.from({ length: 50 }), (batch) => {
    for (const message of batch.messages)
      vi.spyOn(message, "retry").mockImplementation((options) => waits.add(options?.delaySeconds));
    return consume(batch, env, z.unknown(), () => Promise.reject(new Error("no")));
  });
  expect(waits).toEqual(new Set([2, 3, 4]));
});

it("lists every queue of wrangler.toml, each with its dead letter queue and retries", () => {
  const files = import.meta.glob<string>("/wrangler.toml", { query: "?raw", import: "default", eager: true });
  const tables = (files["/wrangler.toml"] ?? "").split("[[").map((table) => table.trim());
  const consumers = tables.filter((table) => table.startsWith("queues.consumers]]"));
  const nameIn = (table: string) => /^queue = "(.*)"$/m.exec(table)?.[1];
  const own = consumers.filter((table) => nameIn(table) !== DEAD_LETTERS);
  expect(new Set(own.map(nameIn))).toEqual(new Set(QUEUES.keys()));
  expect(consumers).toHaveLength(own.length + 1);
  for (const table of own) {
    expect(table).toContain(`dead_letter_queue = "${DEAD_LETTERS}"`);
    expect(table).toContain(`max_retries = ${ATTEMPTS_MAX - 1}\n`);
  }
  for (const [name, { producerOf }] of QUEUES) {
    const producer = tables.find((table) => table.startsWith("queues.producers]]") && nameIn(table) === name) ?? "";
    const binding = /^binding = "(.*)"$/m.exec(producer)?.[1] ?? "";
    expect(producerOf(env)).toBe((env as unknown as Record<string, Queue>)[binding]);
  }
});
