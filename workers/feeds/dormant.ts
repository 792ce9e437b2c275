/**
 * Dormant readers have not read their feed for DORMANT_AFTER_DAYS, and fan-out writes nothing for them. When one
 * returns, the feed is rebuilt before it is served. First the reader is marked as seen, so that fan-out writes new
 * posts to their feed; then the posts in D1 are filled in. Each post arrives by at least one of the two.
 */
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { newestPosts } from "./timelines.ts";
import { FEED_MAX, trimmed } from "./feed-bound.ts";

export const DORMANT_AFTER_DAYS = 30;

/** When a reader last read their feed, in days since 1970, and whether a rebuild is unfinished. */
export type LastSeen = { day: number; rebuilding: 0 | 1 };

/** Returns the current day in days since 1970. */
export const today = (): number => Math.floor(Date.now() / 86_400_000);

/** Returns the oldest last-seen day of active readers: fan-out skips readers who were last seen before it. */
export const oldestActiveDay = (): number => today() - DORMANT_AFTER_DAYS;

/**
 * Whether the reader's feed may lack posts. This is true one day before fan-out skips the reader, because clocks may
 * differ, and the day may end between a read and its recording.
 */
export const isDormant = ({ day, rebuilding }: LastSeen): boolean => rebuilding === 1 || day <= oldestActiveDay();

/**
 * Records once a day that a reader is active. Costs one D1 query and one row. Never fails, because the next read
 * retries.
 */
export async function noteSeen(env: Env, reader: PersonId): Promise<void> {
  try {
    await databaseOf(env, reader)
      .prepare("UPDATE people SET seen_day = ?2 WHERE id = ?1 AND seen_day < ?2")
      .bind(reader, today())
      .run();
  } catch (error) {
    console.warn("reader not marked as seen, the next read retries", { reader, error: String(error) });
  }
}

/**
 * Fills a dormant reader's feed with the newest FEED_MAX posts of the people they follow. Posts of large authors are
 * merged at read, and the reader's own posts were never missing. Costs one D1 batch, one query a database for each
 * window of time, and one batch. Every read restarts the rebuild until one has finished, so a failure leaves no gap;
 * concurrent rebuilds are harmless.
 */
export async function rebuildFeed(env: Env, reader: PersonId): Promise<void> {
  const database = databaseOf(env, reader);
  const [, followed] = await database.batch<{ followee: PersonId }>([
    database.prepare(WAKE).bind(reader, today(), oldestActiveDay()),
    database.prepare(FOLLOWED).bind(reader),
  ]);
  const authors = followed?.results.map(({ followee }) => followee) ?? [];
  const posts = await newestPosts(env, authors, FEED_MAX);
  await database.batch([
    database.prepare(FILL).bind(reader, JSON.stringify(posts.map(({ post, author }) => [post, author]))),
    ...trimmed(database, [reader]),
    database.prepare("UPDATE people SET rebuilding = 0 WHERE id = ?").bind(reader),
  ]);
}

const WAKE = "UPDATE people SET seen_day = ?2, rebuilding = 1 WHERE id = ?1 AND seen_day <= ?3";

const FOLLOWED = "SELECT followee FROM following WHERE follower = ?1 AND active = 1 AND merged = 0";

// Joins the fact, so that an unfollow in the meantime wins.
const FILL = `
  INSERT INTO feed (reader, post, author)
  SELECT follower, value ->> 0, followee FROM json_each(?2)
  CROSS JOIN following ON follower = ?1 AND followee = value ->> 1 AND active = 1
  WHERE true ON CONFLICT DO NOTHING`;
