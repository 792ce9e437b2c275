import { pickForTrim } from "../storage/trim-turns.ts";

/** The most notifications that an inbox keeps. Like feeds, inboxes are trimmed in turn: see feed-bound.ts. */
export const INBOX_MAX = 1000;

/**
 * Statements for a batch that has written notifications: they trim the inboxes whose turn it is to the newest INBOX_MAX
 * notifications, including hidden ones. Reads the inbox of one recipient in 32, and writes the rows that it deletes.
 */
export function trimmedInboxes(database: D1Database, recipients: readonly string[]): D1PreparedStatement[] {
  const picked = pickForTrim([...new Set(recipients)]);
  return picked.length > 0 ? [database.prepare(TRIM).bind(JSON.stringify(picked))] : [];
}

const TRIM = `
  DELETE FROM notifications WHERE (recipient, kind, subject) IN (
    SELECT recipient, kind, subject FROM (
      SELECT recipient, kind, subject, row_number() OVER (PARTITION BY recipient ORDER BY at DESC) AS place
      FROM json_each(?1) CROSS JOIN notifications ON recipient = value)
    WHERE place > ${INBOX_MAX})`;
