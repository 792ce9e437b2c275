import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import type { PushMessage } from "../../schema/messages/push.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import type { Unread } from "../notifications/write-notifications.ts";
import { DUE_FROM, WANTS_PUSH } from "./due.ts";
import { vapidOf } from "./vapid.ts";

/** The most messages that one `sendBatch` accepts. */
const MESSAGES_MAX = 100;

/**
 * Queues a push for each notification that is due. Skips recipients without a device, and notifications that were
 * pushed before or are held until later. Throws when D1 or the queue fails; calling it again is harmless. Costs one D1
 * query a database, and one call of the queue for each 100 pushes.
 */
export async function sendPushes(env: Env, unread: readonly Unread[]): Promise<void> {
  if (!isSetUp(env)) return;
  const queries = [...byDatabase(env, unread, ({ recipient }) => recipient)].map(async ([database, entries]) => {
    const keys = entries.map(({ recipient, kind, subject }) => [recipient, kind, subject]);
    const now = Date.now();
    const statements = setBased(database, DUE_PUSHES(now), keys);
    const results = await within(STORE_ANSWERS_WITHIN, database.batch<PushMessage>(statements), "D1");
    return results.flatMap(({ results: rows }) => rows);
  });
  const messages = (await Promise.all(queries)).flat();
  for (let first = 0; first < messages.length; first += MESSAGES_MAX) {
    const bodies = messages.slice(first, first + MESSAGES_MAX).map((body) => ({ body }));
    await within(STORE_ANSWERS_WITHIN, env.PUSHES.sendBatch(bodies), "the queue of pushes");
  }
}

/**
 * Whether pushes are set up. An unusable key is only logged, for the operator: it must not fail the callers' own work.
 */
function isSetUp(env: Env): boolean {
  try {
    return vapidOf(env) !== undefined;
  } catch (error) {
    console.error("pushes disabled, the VAPID settings are unusable", { error: String(error) });
    return false;
  }
}

// The time is part of the SQL, because setBased binds nothing but rows.
const DUE_PUSHES = (now: number) => `
  SELECT recipient, notifications.kind, subject FROM json_each(?1)
  CROSS JOIN notifications ON recipient = value ->> 0 AND notifications.kind = value ->> 1 AND subject = value ->> 2
  WHERE ${DUE_FROM} IS NOT NULL AND push_held_until <= ${now} AND ${WANTS_PUSH}
    AND EXISTS (SELECT 1 FROM push_subscriptions WHERE person = recipient)`;
