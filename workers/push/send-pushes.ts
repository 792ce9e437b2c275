import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import type { PushMessage } from "../../schema/messages/push.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import type { Unread } from "../notifications/write-notifications.ts";
import { DUE_FROM, IS_WANTED_ON_DEVICES } from "./due.ts";
import { vapidOf } from "./vapid.ts";

/** The most messages of one sendBatch. */
const MESSAGES_MAX = 100;

/**
 * Has the entries pushed to their recipients' devices that are to be: not those of who has no device, nor what was pushed
 * before or waits for its time. Throws when that could not be asked or the queue did not take it; to call it again is
 * harmless. One D1 query a database, and one call of the queue for each 100 entries to push.
 */
export async function sendPushes(env: Env, unread: readonly Unread[]): Promise<void> {
  if (!isSetUp(env)) return;
  const asked = [...byDatabase(env, unread, ({ recipient }) => recipient)].map(async ([database, entries]) => {
    const keys = entries.map(({ recipient, kind, subject }) => [recipient, kind, subject]);
    const now = Date.now();
    const statements = setBased(database, TO_PUSH(now), keys);
    const results = await within(STORE_ANSWERS_WITHIN, database.batch<PushMessage>(statements), "D1");
    return results.flatMap(({ results: rows }) => rows);
  });
  const messages = (await Promise.all(asked)).flat();
  for (let first = 0; first < messages.length; first += MESSAGES_MAX) {
    const bodies = messages.slice(first, first + MESSAGES_MAX).map((body) => ({ body }));
    await within(STORE_ANSWERS_WITHIN, env.PUSHES.sendBatch(bodies), "the queue of pushes");
  }
}

/** A key that cannot be used must not keep those from their work who announce: the operator finds it in the log. */
function isSetUp(env: Env): boolean {
  try {
    return vapidOf(env) !== undefined;
  } catch (error) {
    console.error("no pushes are sent", { error: String(error) });
    return false;
  }
}

// A time is no part of any row, and a statement of setBased has room for nothing else.
const TO_PUSH = (now: number) => `
  SELECT recipient, notifications.kind, subject FROM json_each(?1)
  CROSS JOIN notifications ON recipient = value ->> 0 AND notifications.kind = value ->> 1 AND subject = value ->> 2
  WHERE ${DUE_FROM} IS NOT NULL AND push_held_until <= ${now} AND ${IS_WANTED_ON_DEVICES}
    AND EXISTS (SELECT 1 FROM push_subscriptions WHERE person = recipient)`;
