import { drawn } from "../storage/trim-turns.ts";

/** As a feed, an inbox is trimmed when its turn comes: workers/delivery/feed-bound.ts. */
export const INBOX_MAX = 1000;

/**
 * For a batch in the recipients' database that has told them something: those whose turn it is keep their newest INBOX_MAX
 * entries, those that are not shown among them. Reads these of one recipient in 32, and writes what it deletes.
 */
export function trimmedInboxes(database: D1Database, recipients: readonly string[]): D1PreparedStatement[] {
  const turn = drawn([...new Set(recipients)]);
  return turn.length > 0 ? [database.prepare(TRIM).bind(JSON.stringify(turn))] : [];
}

const TRIM = `
  DELETE FROM notifications WHERE (recipient, kind, subject) IN (
    SELECT recipient, kind, subject FROM (
      SELECT recipient, kind, subject, row_number() OVER (PARTITION BY recipient ORDER BY at DESC) AS place
      FROM json_each(?1) CROSS JOIN notifications ON recipient = value)
    WHERE place > ${INBOX_MAX})`;
