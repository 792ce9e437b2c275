import { sql } from "drizzle-orm";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import type { PushMessage } from "../../schema/messages/push.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { pushSubscriptions } from "../../schema/tables/push.ts";
import { logError } from "../../schema/log.ts";
import { keyOf, KEYS } from "../notifications/notification-keys.ts";
import type { UnreadNotification } from "../notifications/write-notifications.ts";
import { DUE_FROM, WANTS_PUSH } from "./due.ts";
import { vapidOf } from "./delivery/vapid.ts";

/** The most messages that one `sendBatch` accepts. */
const MESSAGES_MAX = 100;

/**
 * Queues a push for each notification that is due. Skips recipients without a device, and notifications that were
 * pushed before or are held until later. Throws when D1 or the queue fails; calling it again is harmless. Costs one D1
 * query a database, and one call of the queue for each 100 pushes.
 */
export async function sendPushes(env: Env, unread: readonly UnreadNotification[]): Promise<void> {
  if (!isSetUp(env)) return;
  const queries = [...byDatabase(env, unread, ({ recipient }) => recipient)].map(async ([database, entries]) => {
    const statements = setBased(DUE_PUSHES, entries.map(keyOf), Date.now());
    const results = await database.patient.batch<PushMessage>(statements);
    return results.flatMap(({ rows }) => rows);
  });
  const messages = (await Promise.all(queries)).flat();
  for (let first = 0; first < messages.length; first += MESSAGES_MAX) {
    const bodies = messages.slice(first, first + MESSAGES_MAX).map((body) => ({ body }));
    await within(STORE_TIMEOUT, env.PUSHES.sendBatch(bodies), "the queue of pushes");
  }
}

/**
 * Whether pushes are set up. An unusable key is only logged, for the operator: it must not fail the callers' own work.
 */
function isSetUp(env: Env): boolean {
  try {
    return vapidOf(env) !== undefined;
  } catch (error) {
    logError("pushes disabled, the VAPID settings are unusable", { error: String(error) });
    return false;
  }
}

const DUE_PUSHES = textOf(sql`
  SELECT ${notifications.recipient}, ${notifications.kind}, ${notifications.subject} FROM json_each(?1)
  CROSS JOIN ${notifications} ON ${KEYS.matches}
  WHERE ${DUE_FROM} IS NOT NULL AND ${notifications.pushHeldUntil} <= ?2 AND ${WANTS_PUSH}
    AND EXISTS (SELECT 1 FROM ${pushSubscriptions} WHERE ${pushSubscriptions.person} = ${notifications.recipient})`);
