/**
 * Dormant readers have not read their feed for DORMANT_AFTER_DAYS, and fan-out writes nothing for them. When one
 * returns, the feed is rebuilt before it is served. First the reader is marked as seen, so that fan-out writes new
 * posts to their feed; then the posts in D1 are filled in. Each post arrives by at least one of the two.
 */
import { and, eq, lt, sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { bare, textOf } from "../../schema/d1/sql.ts";
import { people } from "../../schema/tables/people.ts";
import { logWarning } from "../../schema/log.ts";
import { fillStatements, FOLLOWED, type Followee } from "./fill.ts";

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
export const mayLackPosts = ({ day, rebuilding }: LastSeen): boolean => rebuilding === 1 || day <= oldestActiveDay();

/**
 * Records once a day that a reader is active. Costs one D1 query and one row. Never fails, because the next read
 * retries.
 */
export async function markSeen(env: Env, reader: PersonId): Promise<void> {
  try {
    const day = today();
    await databaseOf(env, reader)
      .patient.orm.update(people)
      .set({ seenDay: day })
      .where(and(eq(people.id, reader), lt(people.seenDay, day)));
  } catch (error) {
    logWarning("reader not marked as seen, the next read retries", { reader, error: String(error) });
  }
}

/**
 * Fills a dormant reader's feed as a refill does. Costs one D1 batch, one query a database for each window of time, and
 * one batch. Every read restarts the rebuild until one has finished, so a failure leaves no gap; concurrent rebuilds are
 * harmless. Returns the bookmark of the filled feed.
 */
export async function rebuildFeed(env: Env, reader: PersonId): Promise<{ bookmark: string | undefined }> {
  const database = databaseOf(env, reader);
  const [, followed] = await database.patient.batch<Followee>([
    statement(WAKE, reader, today(), oldestActiveDay()),
    statement(FOLLOWED, reader),
  ]);
  const filled = await fillStatements(env, reader, followed?.rows ?? []);
  return database.patient.inSession([...filled, statement(FINISH, reader)], "first-primary");
}

const WAKE = textOf(sql`
  UPDATE ${people} SET ${bare(people.seenDay)} = ?2, ${bare(people.rebuilding)} = 1,
    ${bare(people.feedGaps)} = 0
  WHERE ${people.id} = ?1 AND ${people.seenDay} <= ?3`);

const FINISH = textOf(sql`UPDATE ${people} SET ${bare(people.rebuilding)} = 0 WHERE ${people.id} = ?1`);
