/** Conditions for whether and when a notification is pushed. */
import { sql } from "drizzle-orm";
import { literal } from "../../schema/d1/sql.ts";
import { notificationPreferences, notifications } from "../../schema/tables/notifications.ts";
import { kindSql } from "../notifications/notification-rules.ts";

/** The shortest time between two pushes of a notification that stays unread while people write more, in ms. */
export const AGAIN_AFTER = 5 * 60 * 1000;

/**
 * SQL over `notifications`: the time from which a notification is due, in ms since 1970, or NULL when no push is due. A
 * notification is due when it becomes unread. While it stays unread, only new texts make it due again: one more like or
 * follow is no reason to take the phone out.
 */
export const DUE_FROM = sql`CASE
  WHEN ${notifications.count} = 0 OR ${notifications.raised} <= ${notifications.seen}
    OR ${notifications.raised} <= ${notifications.pushed} THEN NULL
  WHEN ${notifications.pushed} <= ${notifications.seen} THEN 0
  WHEN ${notifications.kind} IN (${kindSql("comment")}, ${kindSql("reply")}, ${kindSql("mention")})
    THEN ${notifications.pushedAt} + ${literal(AGAIN_AFTER)} END`;

/** SQL over `notifications`: whether the recipient wants pushes of that kind. Without a preference they do. */
export const WANTS_PUSH = sql`NOT EXISTS (
  SELECT 1 FROM ${notificationPreferences}
  WHERE ${notificationPreferences.person} = ${notifications.recipient}
  AND ${notificationPreferences.kind} = ${notifications.kind} AND ${notificationPreferences.push} = 0)`;
