/**
 * A feed keeps its newest FEED_MAX entries. Finding the last one reads them all, too dear for each delivery, so a message
 * trims one in TRIM_ONE_IN of the readers it serves, drawn anew each time: 16 rows read a delivery. Until its turn comes a
 * feed holds more: 32 entries too many on average, and more than 500 too many once in eight million.
 */
export const FEED_MAX = 500;

/** Reads FEED_MAX rows a reader, writes what it deletes. For a batch in the readers' database; nothing for nobody. */
export const trimmed = (database: D1Database, readers: readonly string[]): D1PreparedStatement[] =>
  readers.length > 0 ? [database.prepare(TRIM).bind(JSON.stringify(readers))] : [];

const TRIM = `
  DELETE FROM feed WHERE (reader, post) IN (
    SELECT feed.reader, feed.post FROM json_each(?1) CROSS JOIN feed ON feed.reader = value AND feed.post < (
      SELECT post FROM feed WHERE reader = value ORDER BY post DESC LIMIT 1 OFFSET ${FEED_MAX - 1}))`;
