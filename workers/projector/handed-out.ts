/**
 * Delivers what post actors have handed out to the requests that caused it: together with that of other requests of this
 * isolate, so that likes of many posts share a few statements, and without a queue. Nothing depends on it: what is lost
 * here, or fails, an actor sends again through its queues.
 */
import type { HandedOut } from "../../durable-objects/post/post-results.ts";
import type { Background } from "../../schema/background.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import type { PostFacts } from "../../schema/messages/facts.ts";
import { logWarning } from "../../schema/log.ts";
import { project } from "./projector.ts";

/** How long facts gather, in ms. */
const GATHERED_FOR = 100;
/** The most messages of one batch, which is also the limit of one `sendBatch`. */
const BATCH_MAX = 100;

type Batch = { facts: PostFacts[]; openedAt: number };
/** The batch that gathers now, in the background of the request that opened it. */
let open: Batch | undefined;

/** Projects facts a moment later, in the background. A new post is delivered at once, since its followers wait for it. */
export function deliverSoon(env: Env, background: Background, { facts, fanOut }: HandedOut): void {
  if (!facts) return;
  if (fanOut) return background.waitUntil(deliverPost(env, facts));
  const now = Date.now();
  // A batch that is too old has lost its request, and nobody closes it.
  if (open && open.facts.length < BATCH_MAX && Math.abs(now - open.openedAt) < 2 * GATHERED_FOR) {
    open.facts.push(facts);
    return;
  }
  const batch: Batch = { facts: [facts], openedAt: now };
  open = batch;
  background.waitUntil(closeSoon(env, batch));
}

/** Projects a new post, and then sends it to fan-out, which finds it in D1. */
async function deliverPost(env: Env, facts: PostFacts): Promise<void> {
  const { post, author } = facts;
  try {
    await within(STORE_TIMEOUT, project(env, [facts]), "D1");
    await within(STORE_TIMEOUT, env.FAN_OUT.send({ post, author }), "the queue of the fan-out");
  } catch (error) {
    logWarning("post not delivered at once, its actor will", { post, error: String(error) });
  }
}

async function closeSoon(env: Env, batch: Batch): Promise<void> {
  await scheduler.wait(GATHERED_FOR);
  if (open === batch) open = undefined;
  try {
    await within(STORE_TIMEOUT, project(env, batch.facts), "D1");
  } catch (error) {
    logWarning("facts not projected, the queue will", { facts: batch.facts.length, error: String(error) });
    await sendAll(env, batch.facts);
  }
}

/** Puts facts into the queue, which tries each on its own. Never fails, because their actors send them again. */
async function sendAll(env: Env, facts: readonly PostFacts[]): Promise<void> {
  try {
    const messages = facts.map((body) => ({ body }));
    await within(STORE_TIMEOUT, env.FACTS.sendBatch(messages), "the queue of facts");
  } catch (error) {
    logWarning("facts not queued, their actors will send them", { facts: facts.length, error: String(error) });
  }
}
