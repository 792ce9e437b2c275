/**
 * Pushes notifications to people's devices. A message is only a wake-up: the consumer pushes the present version of the
 * notification, if it is still unread and its recipient may still see it. A duplicate has the same tag, so the device
 * shows it once.
 *
 * Limits keep people from being flooded. A notification is pushed when it becomes unread; while it stays unread, texts
 * that people write are pushed again, at most every five minutes (due.ts). A person gets at most six pushes a minute
 * (pace.ts). During quiet hours a notification waits in the queue.
 *
 * For each database, a batch of messages costs one D1 batch of 3 queries to read, one D1 batch to write, and as much as
 * showing the inboxes. It writes a row for each notification, and one for each device whose state changes.
 */
import type { Database } from "../../schema/d1/database.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { PushMessage } from "../../schema/messages/push.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import { consumeBatch } from "../operations/consume.ts";
import type { Background } from "../../schema/background.ts";
import { buildJobs } from "./build-jobs.ts";
import type { Fetch, Sender } from "./delivery/deliver.ts";
import { changesOf, retriesOf, settle } from "./jobs.ts";
import { planOf } from "./plan.ts";
import { readPushState, resultStatements } from "./push-state.ts";
import { vapidOf } from "./delivery/vapid.ts";

/** The longest delay that a queue supports, in seconds. */
const DELAY_MAX = 12 * 60 * 60;

/** The consumer of the queue of pushes. Acknowledges and drops every message while no VAPID key is set up. */
export const consumePushes = (
  batch: MessageBatch,
  env: Env,
  background: Background,
  fetch: Fetch = (url, init) => globalThis.fetch(url, init),
): Promise<void> => consumeBatch(batch, env, PushMessage, (messages) => push(env, background, fetch, messages));

async function push(env: Env, background: Background, fetch: Fetch, messages: readonly PushMessage[]): Promise<void> {
  const vapid = vapidOf(env);
  if (!vapid) return;
  for (const [database, group] of byDatabase(env, messages, ({ recipient }) => recipient)) {
    await pushFrom(database, { env, vapid, fetch }, background, group);
  }
}

async function pushFrom(
  database: Database,
  sender: Sender,
  background: Background,
  messages: readonly PushMessage[],
): Promise<void> {
  const now = Date.now();
  const { env } = sender;
  const state = await readPushState(database, messages, now);
  const plan = planOf(messages, state.entries, now);
  const { jobs, pushed } = await buildJobs(env, background, plan, state, now);
  const settled = await settle(sender, jobs);
  const held = plan.held.map(({ entry, message, until }) => {
    const delay = Math.min(Math.ceil((until - now) / 1000), DELAY_MAX);
    return { entry, until: now + delay * 1000, body: { ...message, held: true } as const, delay };
  });
  // The messages are sent before D1 records that a notification is held: the reverse order could leave one held with no
  // message to release it.
  for (const { body, delay } of [...held, ...retriesOf(settled)]) {
    const sent = env.PUSHES.send(body, { delaySeconds: Math.min(Math.max(1, delay), DELAY_MAX) });
    await within(STORE_TIMEOUT, sent, "the queue of pushes");
  }
  const waiting = held.filter(({ body }) => !body.again);
  const statements = resultStatements({ pushed, held: waiting, ...changesOf(settled, now) }, now);
  if (statements.length > 0) await database.patient.batch(statements);
}
