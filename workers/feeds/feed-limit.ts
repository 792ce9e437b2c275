/**
 * What a feed holds: the newest FEED_MAX posts among the newest ENTRIES_PER_AUTHOR of each followed author and of the
 * reader. Large authors are merged at read, and muted people have no entries. Everything that fills a feed follows this
 * rule, so all ways to build it agree.
 */
import { type SQL, sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { PersonId } from "../../schema/ids.ts";
import { list, literal, textOf } from "../../schema/d1/sql.ts";
import { mutes } from "../../schema/tables/notifications.ts";
import { following } from "../../schema/tables/people.ts";
import { feed } from "../../schema/tables/posts.ts";
import { pickForTrim, trimTurn } from "../storage/trim-turns.ts";

export const FEED_MAX = 500;

/**
 * The most entries of one author, so that nobody can fill the feed of a follower alone. A fifth of a feed: most readers
 * never look that far back at one person, whose profile has everything, and it takes five authors to fill a feed.
 */
export const ENTRIES_PER_AUTHOR = 100;

/**
 * Trimming reads and groups a whole feed, which is too expensive for each delivery. So a message trims the feeds of one
 * in TRIM_FEED_ONE_IN of its readers, chosen at random each time, which reads 10 rows a delivery. Until its turn comes,
 * a feed has too many entries: 128 on average, and more than 2,000 once in six million. They displace nothing.
 */
export const TRIM_FEED_ONE_IN = 128;

/** SQL: whether posts of `author` may be in the feed of another `reader`. Both must live in this database's shards. */
export const fillsSql = (reader: SQL, author: SQL): SQL => sql`(
  EXISTS (
    SELECT 1 FROM ${following}
    WHERE ${following.follower} = ${reader} AND ${following.followee} = ${author} AND ${following.active} = 1)
  AND ${isHeardSql(reader, author)})`;

/** SQL: whether `reader` has not muted `author`. */
export const isHeardSql = (reader: SQL, author: SQL): SQL => sql`NOT EXISTS (
  SELECT 1 FROM ${mutes} WHERE ${mutes.person} = ${reader} AND ${mutes.other} = ${author})`;

/**
 * Statements for a batch in the readers' database that trim their feeds. Reads about 1,100 rows a reader, and writes the
 * rows that it deletes. Returns no statements for no readers.
 */
export const trimFeedStatements = (readers: readonly PersonId[]): Statement[] =>
  readers.length > 0 ? TRIM.map((text) => statement(text, JSON.stringify(readers))) : [];

/** Like `trimFeedStatements`, for those of the readers whose turn it is. */
export const trimInTurn = (readers: readonly PersonId[]): Statement[] =>
  trimFeedStatements(pickForTrim(readers, TRIM_FEED_ONE_IN));

/** Returns whose turn it is: those in each TRIM_FEED_ONE_IN places of a list with this remainder. */
export const feedTurn = (): number => trimTurn(TRIM_FEED_ONE_IN);

/**
 * The texts of the statements that trim the feeds of the readers that the query `readers` returns as `value`. The limit
 * by author comes first, so that the second statement counts only what the rule keeps.
 */
export const trimFeedsTexts = (readers: SQL): readonly [string, string] => [
  textOf(sql`
    DELETE FROM ${feed} WHERE (${list(feed.reader, feed.post)}) IN (
      SELECT ${feed.reader}, ${feed.post} FROM (
        SELECT ${feed.reader} AS reader, ${feed.author} AS author FROM ${readers} AS trimmed
        CROSS JOIN ${feed} ON ${feed.reader} = trimmed.value
        GROUP BY 1, 2 HAVING count(*) > ${literal(ENTRIES_PER_AUTHOR)}) AS many
      CROSS JOIN ${feed} ON ${feed.reader} = many.reader AND ${feed.author} = many.author AND ${feed.post} < (
        SELECT ${feed.post} FROM ${feed} WHERE ${feed.reader} = many.reader AND ${feed.author} = many.author
        ORDER BY ${feed.post} DESC LIMIT 1 OFFSET ${literal(ENTRIES_PER_AUTHOR - 1)}))`),
  textOf(sql`
    DELETE FROM ${feed} WHERE (${list(feed.reader, feed.post)}) IN (
      SELECT ${feed.reader}, ${feed.post} FROM ${readers} AS trimmed
      CROSS JOIN ${feed} ON ${feed.reader} = trimmed.value AND ${feed.post} < (
        SELECT ${feed.post} FROM ${feed} WHERE ${feed.reader} = trimmed.value
        ORDER BY ${feed.post} DESC LIMIT 1 OFFSET ${literal(FEED_MAX - 1)}))`),
];

const TRIM = trimFeedsTexts(sql`json_each(?1)`);
