/** What follows from a follow or an unfollow: the mirror in the followee's shard, the notification, the backfill. */
import type { Effect } from "../../schema/facts.ts";
import { type PersonId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import { effectDone } from "../effects.ts";

/** How many of the followee's newest posts a new follower's feed gets. */
export const BACKFILL_MAX = 100;

/**
 * Costs one D1 query for the truth, one batch for the followee, two more queries for the backfill, and one to be done.
 * It may run again, late, or at the same time as another one of the same pair: every row ends as `following` says.
 */
export async function applyFollow(env: Env, effect: Extract<Effect, { kind: "follow" }>): Promise<void> {
  const { follower, followee } = effect;
  const truth = await databaseOf(env, follower)
    .prepare("SELECT active, version FROM following WHERE follower = ? AND followee = ?")
    .bind(follower, followee)
    .first<Truth>();
  if (truth) {
    // The mirror first: a post that is published in between goes to those who are mirrored, or is found by the backfill.
    await mirror(env, follower, followee, truth);
    if (truth.active) await backfill(env, follower, followee);
  }
  await effectDone(env, effect.id);
}

type Truth = { active: 0 | 1; version: number };

async function mirror(env: Env, follower: PersonId, followee: PersonId, { active, version }: Truth): Promise<void> {
  const database = databaseOf(env, followee);
  const pair = [followee, shardOf(follower), follower] as const;
  await database.batch([
    database.prepare(MIRROR).bind(...pair, active, version),
    database.prepare(NOTIFY).bind(...pair, Date.now()),
    database.prepare(TAKE_BACK).bind(...pair),
  ]);
}

const MIRROR = `
  INSERT INTO followers (followee, follower_shard, follower, active, version) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT DO UPDATE SET active = excluded.active, version = excluded.version WHERE excluded.version > version`;

const MIRRORED = "followers WHERE followee = ?1 AND follower_shard = ?2 AND follower = ?3 AND active = 1";

// The notification follows from the mirror, not from what this run has read: the mirror never goes back, so a late run
// brings back no notification that was taken back, and none becomes unread again without a new follow.
const NOTIFY = `
  INSERT INTO notifications (recipient, kind, subject, actors, count, raised, version, at, unread)
  SELECT followee, 'follow', follower, json_array(follower), 1, version, version, ?4, 1 FROM ${MIRRORED}
  ON CONFLICT DO UPDATE SET raised = excluded.raised, version = excluded.version, at = excluded.at, unread = 1
  WHERE excluded.version > version`;

const TAKE_BACK = `
  DELETE FROM notifications WHERE recipient = ?1 AND kind = 'follow' AND subject = ?3
  AND NOT EXISTS (SELECT 1 FROM ${MIRRORED})`;

async function backfill(env: Env, follower: PersonId, followee: PersonId): Promise<void> {
  const newest = await databaseOf(env, followee)
    .prepare("SELECT id FROM posts WHERE author = ? ORDER BY id DESC LIMIT ?")
    .bind(followee, BACKFILL_MAX)
    .all<{ id: string }>();
  const posts = JSON.stringify(newest.results.map(({ id }) => id));
  await databaseOf(env, follower).prepare(BACKFILL).bind(follower, followee, posts).run();
}

// The join asks the fact, which lives beside the feed: an unfollow in the meantime wins.
const BACKFILL = `
  INSERT INTO feed (reader, post, author)
  SELECT follower, value, followee FROM following JOIN json_each(?3)
  WHERE follower = ?1 AND followee = ?2 AND active = 1
  ON CONFLICT DO NOTHING`;
