/**
 * Whoever has not read their feed for DORMANT_AFTER_DAYS is dormant: fan-out writes nothing for them. When they are back,
 * their feed is rebuilt before it is answered. First they count as seen, so that from then on posts are pushed to them;
 * then what D1 has is filled in. So a post is found by the one or the other.
 */
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { newestPosts } from "./timelines.ts";
import { FEED_MAX, trimmed } from "./feed-bound.ts";

export const DORMANT_AFTER_DAYS = 30;

/** What a reader's row says of when they were last there. */
export type LastSeen = { day: number; rebuilding: 0 | 1 };

/** In days since 1970. */
export const today = (): number => Math.floor(Date.now() / 86_400_000);

/** Fan-out skips who was last seen before this day. */
export const seenSince = (): number => today() - DORMANT_AFTER_DAYS;

/**
 * Whether posts may be missing in their feed. True a day before fan-out skips them: two clocks may differ, and the day may
 * end between a read and the moment that it is noted.
 */
export const isDormant = ({ day, rebuilding }: LastSeen): boolean => rebuilding === 1 || day <= seenSince();

/** Notes that a reader is there, once a day. One D1 query, one row written. Never fails: the next read does it as well. */
export async function noteSeen(env: Env, reader: PersonId): Promise<void> {
  try {
    await databaseOf(env, reader)
      .prepare("UPDATE people SET seen_day = ?2 WHERE id = ?1 AND seen_day < ?2")
      .bind(reader, today())
      .run();
  } catch (error) {
    console.warn("reader not noted as seen, the next read will", { reader, error: String(error) });
  }
}

/**
 * Fills the feed of who was dormant with the newest FEED_MAX posts of those they follow; large authors' are merged in at
 * read, and the reader's own were never missing. One D1 batch, one query a database for each window of time, one batch.
 * Until it has ended, every read begins it anew: so one that fails leaves no gap, and those that run at once are harmless.
 */
export async function rebuildFeed(env: Env, reader: PersonId): Promise<void> {
  const database = databaseOf(env, reader);
  const [, followed] = await database.batch<{ followee: PersonId }>([
    database.prepare(AWAKE).bind(reader, today(), seenSince()),
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

const AWAKE = "UPDATE people SET seen_day = ?2, rebuilding = 1 WHERE id = ?1 AND seen_day <= ?3";

const FOLLOWED = "SELECT followee FROM following WHERE follower = ?1 AND active = 1 AND merged = 0";

// The join asks the fact: an unfollow in the meantime wins.
const FILL = `
  INSERT INTO feed (reader, post, author)
  SELECT follower, value ->> 0, followee FROM json_each(?2)
  CROSS JOIN following ON follower = ?1 AND followee = value ->> 1 AND active = 1
  WHERE true ON CONFLICT DO NOTHING`;
