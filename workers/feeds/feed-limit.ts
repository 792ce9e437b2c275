import { type SQL, sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { PersonId } from "../../schema/ids.ts";
import { list, literal, textOf } from "../../schema/d1/sql.ts";
import { feed } from "../../schema/tables/posts.ts";

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
export const trimFeedStatements = (readers: readonly PersonId[]): Statement[] =>
  readers.length > 0 ? [statement(TRIM, JSON.stringify(readers))] : [];

/** The text of a statement that trims the feeds of the readers that the query `readers` returns as `value`. */
export const trimFeedsText = (readers: SQL): string =>
  textOf(sql`
    DELETE FROM ${feed} WHERE (${list(feed.reader, feed.post)}) IN (
      SELECT ${feed.reader}, ${feed.post} FROM ${readers} AS trimmed
      CROSS JOIN ${feed} ON ${feed.reader} = trimmed.value AND ${feed.post} < (
        SELECT ${feed.post} FROM ${feed} WHERE ${feed.reader} = trimmed.value
        ORDER BY ${feed.post} DESC LIMIT 1 OFFSET ${literal(FEED_MAX - 1)}))`);

const TRIM = trimFeedsText(sql`json_each(?1)`);
