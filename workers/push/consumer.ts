/**
 * Entries of the inbox -> people's devices. A message is a wake-up: what is pushed is the entry as it stands, if it is
 * still unread and its recipient may still see it. Whatever comes twice has the same tag and is shown once.
 *
 * Nobody is flooded. An entry is pushed when it becomes unread, and again while it is so only for what people write, every
 * five minutes (due.ts); a person gets six pushes a minute (pace.ts). In quiet hours an entry waits in the queue.
 *
 * Costs a batch, for each database, one D1 batch of 3 queries to read and one to write, and what an inbox costs to show; it
 * writes a row for each entry, and one for each device whose state changes.
 */
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import { PushMessage } from "../../schema/messages/push.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import { consumeTogether } from "../operations/consume.ts";
import type { Background } from "../../schema/background.ts";
import { addressed } from "./addressed.ts";
import type { Fetch, Sender } from "./deliver.ts";
import { changesOf, retriesOf, settle } from "./jobs.ts";
import { planOf } from "./plan.ts";
import { resultStatements, standingOf } from "./standing.ts";
import { vapidOf } from "./vapid.ts";

/** The longest that a queue keeps a message back, in s. */
const DELAY_MAX = 12 * 60 * 60;

export const consumePushes = (
  batch: MessageBatch,
  env: Env,
  background: Background,
  fetch: Fetch = (url, init) => globalThis.fetch(url, init),
): Promise<void> => consumeTogether(batch, env, PushMessage, (messages) => push(env, background, fetch, messages));

async function push(env: Env, background: Background, fetch: Fetch, messages: readonly PushMessage[]): Promise<void> {
  const vapid = vapidOf(env);
  if (!vapid) return;
  for (const [database, group] of byDatabase(env, messages, ({ recipient }) => recipient)) {
    await pushFrom(database, { env, vapid, fetch }, background, group);
  }
}

async function pushFrom(
  database: D1Database,
  sender: Sender,
  background: Background,
  messages: readonly PushMessage[],
): Promise<void> {
  const now = Date.now();
  const { env } = sender;
  const standing = await standingOf(database, messages, now);
  const plan = planOf(messages, standing.entries, now);
  const { jobs, pushed } = await addressed(env, background, plan, standing, now);
  const settled = await settle(sender, jobs);
  const held = plan.held.map(({ entry, message, until }) => {
    const delay = Math.min(Math.ceil((until - now) / 1000), DELAY_MAX);
    return { entry, until: now + delay * 1000, body: { ...message, held: true } as const, delay };
  });
  // First, or what is noted as waiting would wait for nobody.
  for (const { body, delay } of [...held, ...retriesOf(settled)]) {
    const sent = env.PUSHES.send(body, { delaySeconds: Math.min(Math.max(1, delay), DELAY_MAX) });
    await within(STORE_ANSWERS_WITHIN, sent, "the queue of pushes");
  }
  const waiting = held.filter(({ body }) => !body.again);
  const statements = resultStatements(database, { pushed, held: waiting, ...changesOf(settled, now) }, now);
  if (statements.length > 0) await within(STORE_ANSWERS_WITHIN, database.batch(statements), "D1");
}
