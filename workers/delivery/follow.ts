/** What follows from a follow or an unfollow: the mirror in the followee's shard, the notification, the backfill. */
import type { Effect } from "../../schema/facts.ts";
import { type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import type { Reach } from "../../schema/tables/people.ts";
import { effectDone } from "../effects.ts";
import { FEED_MAX, trimmed } from "./feed-bound.ts";
import { markStatement } from "./large-authors.ts";

/**
 * Costs one D1 query for the truth, one batch for the followee, one query and one batch for the backfill, and one to be
 * done. A large author needs no backfill, but one query that marks the follow. It may run again, late, or at the same time
 * as another one of the same pair: every row ends as `following` says.
 */
export async function applyFollow(env: Env, effect: Extract<Effect, { kind: "follow" }>): Promise<void> {
  const { follower, followee } = effect;
  const truth = await databaseOf(env, follower)
    .prepare("SELECT active, version, bell FROM following WHERE follower = ? AND followee = ?")
    .bind(follower, followee)
    .first<Truth>();
  if (truth) {
    // The mirror first: a post that is published in between goes to those who are mirrored, or is found by the backfill.
    const reach = await mirror(env, follower, followee, truth);
    if (truth.active) await (reach === "pushed" ? backfill : mark)(env, follower, followee);
  }
  await effectDone(env, effect.id);
}

type Truth = { active: 0 | 1; version: number; bell: 0 | 1 };

/** Asks for the followee's reach in the same transaction: a follower who is mirrored later than it turns must see that. */
async function mirror(
  env: Env,
  follower: PersonId,
  followee: PersonId,
  { active, version, bell }: Truth,
): Promise<Reach> {
  const database = databaseOf(env, followee);
  const pair = [followee, shardOf(follower), follower] as const;
  const results = await database.batch<{ reach: Reach }>([
    database.prepare(MIRROR).bind(...pair, active, version, bell),
    database.prepare(NOTIFY).bind(...pair, Date.now()),
    database.prepare(TAKE_BACK).bind(...pair),
    database.prepare("SELECT reach FROM people WHERE id = ?").bind(followee),
  ]);
  return results.at(-1)?.results[0]?.reach ?? "pushed";
}

const MIRROR = `
  INSERT INTO followers (followee, follower_shard, follower, active, version, bell) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT DO UPDATE SET active = excluded.active, version = excluded.version, bell = excluded.bell
  WHERE excluded.version > version`;

const MIRRORED = "followers WHERE followee = ?1 AND follower_shard = ?2 AND follower = ?3 AND active = 1";

// The notification follows from the mirror, not from what this run has read: the mirror never goes back, so a late run
// brings back no notification that was taken back, and none becomes unread again without a new follow.
const NOTIFY = `
  INSERT INTO notifications (recipient, kind, subject, actors, count, raised, version, at)
  SELECT followee, 'follow', follower, json_array(follower), 1, version, version, ?4 FROM ${MIRRORED}
  ON CONFLICT DO UPDATE SET raised = excluded.raised, version = excluded.version, at = excluded.at
  WHERE excluded.version > version`;

const TAKE_BACK = `
  DELETE FROM notifications WHERE recipient = ?1 AND kind = 'follow' AND subject = ?3
  AND NOT EXISTS (SELECT 1 FROM ${MIRRORED})`;

/** The followee's newest posts, as many as a feed keeps: they may all be newer than what is in it. */
async function backfill(env: Env, follower: PersonId, followee: PersonId): Promise<void> {
  // Of the primary: a replica may lack what was published before the mirror was written.
  const newest = await databaseOf(env, followee)
    .prepare("SELECT id FROM posts WHERE author = ? ORDER BY id DESC LIMIT ?")
    .bind(followee, FEED_MAX)
    .all<{ id: PostId }>();
  const posts = newest.results.map(({ id }) => id);
  const database = databaseOf(env, follower);
  await database.batch([
    database.prepare(BACKFILL).bind(follower, followee, JSON.stringify(posts)),
    ...trimmed(database, [follower]),
  ]);
}

async function mark(env: Env, follower: PersonId, followee: PersonId): Promise<void> {
  await markStatement(databaseOf(env, follower), [follower], followee).run();
}

// The join asks the fact, which lives beside the feed: an unfollow in the meantime wins.
const BACKFILL = `
  INSERT INTO feed (reader, post, author)
  SELECT follower, value, followee FROM following JOIN json_each(?3)
  WHERE follower = ?1 AND followee = ?2 AND active = 1
  ON CONFLICT DO NOTHING`;
