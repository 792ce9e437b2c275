import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { NOTICE_WINDOW } from "../../durable-objects/post/outbox/outbox-policy.ts";
import { succeed, publish } from "../../tests/runtime/world/api.ts";
import { d1Costs } from "../../tests/runtime/stores/d1-costs.ts";
import { flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { withFaults } from "../../tests/runtime/stores/faults.ts";
import { signUp } from "../../tests/runtime/world/people.ts";
import { type Key, markInboxRead, pushWorld, writeFollowNotification } from "../../tests/runtime/push/pushed.ts";
import { project } from "../projector/projector.ts";
import { sendPushes } from "./send-pushes.ts";

const world = await pushWorld();
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  world.messages.length = 0;
});

it("sends a message for each notification whose recipient has a device, with one query per database", async () => {
  const [ada, nobody, ben] = [await world.someone(), await signUp(), await signUp()];
  const key = await writeFollowNotification(ada, [ben]);
  const costs = await d1Costs(() => sendPushes(world.env, [key]));
  expect(costs.queries).toHaveLength(1);
  expect(world.messages.splice(0)).toEqual([{ body: key, delay: 0 }]);

  await sendPushes(world.env, [await writeFollowNotification(nobody, [ben])]);
  expect(world.messages).toEqual([]);
});

it("sends nothing for a notification that was pushed, read or never written", async () => {
  const [ada, ben, cleo] = [await world.someone(), await signUp(), await signUp()];
  const key = await writeFollowNotification(ada, [ben]);
  await world.announced(key);
  await writeFollowNotification(ada, [cleo, ben], { subject: key.subject as never });
  await sendPushes(world.env, [key]);
  await markInboxRead(ada);
  await sendPushes(world.env, [key, { ...key, subject: cleo.person.id }]);
  expect(world.messages).toEqual([]);
});

it("sends nothing and queries nothing when pushes are not set up", async () => {
  const [ada, ben] = [await world.someone(), await signUp()];
  const key = await writeFollowNotification(ada, [ben]);
  const log = vi.spyOn(console, "error").mockReturnValue();
  for (const change of [{ VAPID_SUBJECT: "" }, { VAPID_PRIVATE_KEY: "" }, { VAPID_PRIVATE_KEY: "no key" }]) {
    const costs = await d1Costs(() => sendPushes({ ...world.env, ...change }, [key]));
    expect(costs.queries).toEqual([]);
  }
  expect(world.messages).toEqual([]);
  expect(log).toHaveBeenCalledOnce(); // Only an unusable key is logged, for the operator.
});

it("sends at most as many messages at once as a queue accepts", async () => {
  const [ada, ben] = [await world.someone(), await signUp()];
  const keys: Key[] = [];
  for (let number = 0; number < 130; number += 1) {
    const subject = number.toString(32).padStart(13, "0") as never;
    keys.push(await writeFollowNotification(ada, [ben], { subject }));
  }
  const sendBatch = vi.spyOn(world.env.PUSHES, "sendBatch");
  await sendPushes(world.env, keys);
  expect(sendBatch.mock.calls.map(([batch]) => [...batch].length)).toEqual([100, 30]);
  expect(new Set(world.messages.map(({ body }) => body.subject)).size).toBe(130);
});

it.each([{ queues: "throws" }, { reads: "throws" }, { queues: "hangs" }] as const)(
  "throws when a store fails, so that the caller retries: %o",
  async (faults) => {
    const [ada, ben] = [await world.someone(), await signUp()];
    const key = await writeFollowNotification(ada, [ben]);
    const { env: faulty } = withFaults(world.env, faults);
    await expect(sendPushes(faulty, [key])).rejects.toThrow();
    await sendPushes(world.env, [key]);
    expect(world.messages).toHaveLength(1);
  },
);

it("does not block the projection while the queue fails, and sends the pushes once it is back", async () => {
  const queues = recordQueues();
  const [ada, ben] = [await world.someone(), await signUp()];
  const post = await publish(ada);
  await succeed("PUT", `/v1/posts/${post.id}/like`, ben);
  const actor = env.POSTS.getByName(post.id);
  await flush(actor);
  vi.spyOn(console, "warn").mockReturnValue();
  const failing = vi.spyOn(world.env.PUSHES, "sendBatch").mockRejectedValue(new Error("no queue"));
  await project(world.env, queues.facts.splice(0));
  const state = await actor.state();
  expect(state.ok && state.confirmed).toBe(2);
  expect(world.messages).toEqual([]);

  failing.mockRestore();
  vi.useFakeTimers({ now: Date.now() + NOTICE_WINDOW, toFake: ["Date"] });
  await flush(actor);
  expect(queues.facts).toMatchObject([{ from: 3, to: 2, notices: { from: 2, to: 2 } }]);
  await project(world.env, queues.facts.splice(0));
  expect(world.messages).toEqual([{ body: { recipient: ada.person.id, kind: "like", subject: post.id }, delay: 0 }]);
  vi.useFakeTimers({ now: Date.now() + NOTICE_WINDOW, toFake: ["Date"] });
  await flush(actor);
  expect(queues.facts).toEqual([]);
});
