/**
 * Records the messages of actors instead of queueing them, so that a test can deliver them as an unreliable queue
 * would.
 */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { PostActor } from "../../../durable-objects/post/post-actor.ts";
import type { PostFacts } from "../../../schema/messages/facts.ts";
import type { FanOut } from "../../../schema/messages/fan-out.ts";

export function recordQueues() {
  const facts: PostFacts[] = [];
  const fanOuts: FanOut[] = [];
  const sendFacts = vi.spyOn(env.FACTS, "send").mockImplementation((body) => keep(facts, body as PostFacts));
  const sendFanOut = vi.spyOn(env.FAN_OUT, "send").mockImplementation((body) => keep(fanOuts, body as FanOut));
  vi.spyOn(env.FAN_OUT_PAGES, "send").mockImplementation((body) => keep(fanOuts, body as FanOut));
  vi.spyOn(env.FAN_OUT_PAGES, "sendBatch").mockImplementation(async (messages) => {
    for (const { body } of messages) await keep(fanOuts, body as FanOut);
    return NO_BACKLOG;
  });
  return { facts, fanOuts, sendFacts, sendFanOut };
}

/** Runs the actor's alarm now, whenever it is due. Returns false if none is set. */
export const flush = (actor: DurableObjectStub<PostActor>): Promise<boolean> => runDurableObjectAlarm(actor);

async function keep<T>(list: T[], body: T): Promise<QueueSendResponse> {
  list.push(structuredClone(body));
  return NO_BACKLOG;
}

const NO_BACKLOG = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
