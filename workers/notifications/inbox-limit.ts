import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { pickForTrim } from "../storage/trim-turns.ts";
import { KEYS } from "./notification-keys.ts";

/** The most notifications that an inbox keeps. Like feeds, inboxes are trimmed in turn: see feed-bound.ts. */
export const INBOX_MAX = 1000;

/**
 * Statements for a batch that has written notifications: they trim the inboxes whose turn it is to the newest INBOX_MAX
 * notifications, including hidden ones. Reads the inbox of one recipient in 32, and writes the rows that it deletes.
 */
export function trimInboxStatements(recipients: readonly string[]): Statement[] {
  const picked = pickForTrim([...new Set(recipients)]);
  return picked.length > 0 ? [statement(TRIM, JSON.stringify(picked))] : [];
}

const TRIM = textOf(sql`
  DELETE FROM ${notifications} WHERE (${KEYS.columns}) IN (
    SELECT ${KEYS.columns} FROM (
      SELECT ${notifications.recipient}, ${notifications.kind}, ${notifications.subject},
        row_number() OVER (PARTITION BY ${notifications.recipient} ORDER BY ${notifications.at} DESC) AS place
      FROM json_each(?1) CROSS JOIN ${notifications} ON ${notifications.recipient} = value)
    WHERE place > ${literal(INBOX_MAX)})`);
