/** Fills a feed with everything that it must hold. */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { fieldsOf, list, textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { mutes } from "../../schema/tables/notifications.ts";
import { following } from "../../schema/tables/people.ts";
import { feed } from "../../schema/tables/posts.ts";
import { FEED_MAX, fillsSql, isHeardSql, trimFeedStatements } from "./feed-limit.ts";
import { type Authored, newestPosts } from "./timelines.ts";

export type Followee = { followee: PersonId };

/** Returns the `Followee`s of ?1 whose posts are in their feed. */
export const FOLLOWED = textOf(sql`
  SELECT ${following.followee} FROM ${following}
  WHERE ${following.follower} = ?1 AND ${following.active} = 1 AND ${following.merged} = 0
  AND ${isHeardSql(sql`?1`, sql`${following.followee}`)}`);

/**
 * Reads what a feed must hold, and returns the statements for the reader's database that fill it: with the posts of
 * `followed` and the reader's own. Costs one D1 query a database for each window of time.
 */
export async function fillStatements(env: Env, reader: PersonId, followed: readonly Followee[]): Promise<Statement[]> {
  const posts = await newestPosts(env, [reader, ...followed.map(({ followee }) => followee)], FEED_MAX);
  return [
    statement(FILL, reader, JSON.stringify(posts)),
    statement(DROP_MUTED, reader),
    ...trimFeedStatements([reader]),
  ];
}

const entry = fieldsOf<Authored>();

// Joins the facts, so that an unfollow or a mute in the meantime wins.
const FILL = textOf(sql`
  INSERT INTO ${feed} (${list(feed.reader, feed.post, feed.author)})
  SELECT ?1, ${entry("post")}, ${entry("author")} FROM json_each(?2)
  WHERE ${entry("author")} = ?1 OR ${fillsSql(sql`?1`, entry("author"))}
  ON CONFLICT DO NOTHING`);

// Entries from before muted people left feeds.
const DROP_MUTED = textOf(sql`
  DELETE FROM ${feed} WHERE ${feed.reader} = ?1 AND ${feed.author} IN (
    SELECT ${mutes.other} FROM ${mutes} WHERE ${mutes.person} = ?1)`);
