/**
 * A feed keeps its newest FEED_MAX entries. Finding the last of them reads them all, which is too expensive for each
 * delivery. So a message trims the feeds of one in TRIM_ONE_IN of its readers, chosen at random each time, which reads
 * 16 rows a delivery. Until its turn comes, a feed has too many entries: 32 on average, and more than 500 once in eight
 * million.
 */
export const FEED_MAX = 500;

/**
 * Statements for a batch in the readers' database that trim their feeds. Reads FEED_MAX rows a reader, and writes the
 * rows that it deletes. Returns no statements for no readers.
 */
export const trimmed = (database: D1Database, readers: readonly string[]): D1PreparedStatement[] =>
  readers.length > 0 ? [database.prepare(TRIM).bind(JSON.stringify(readers))] : [];

const TRIM = `
  DELETE FROM feed WHERE (reader, post) IN (
    SELECT feed.reader, feed.post FROM json_each(?1) CROSS JOIN feed ON feed.reader = value AND feed.post < (
      SELECT post FROM feed WHERE reader = value ORDER BY post DESC LIMIT 1 OFFSET ${FEED_MAX - 1}))`;
