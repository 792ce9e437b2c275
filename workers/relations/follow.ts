/**
 * The effect of a follow, a request, or the end of either: the mirror in the followee's shard, notifications, the
 * backfill.
 */
import { desc, eq, sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import { type PersonId, shardOf } from "../../schema/ids.ts";
import { exclusionMark } from "../../schema/d1/exclusion-marks.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { bare, excluded, list, literal, takeExcluded, textOf } from "../../schema/d1/sql.ts";
import type { NotificationKind } from "../../schema/notifications.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { followers, following, people, type Reach } from "../../schema/tables/people.ts";
import { feed, posts } from "../../schema/tables/posts.ts";
import { deleteEffect } from "../storage/effects.ts";
import { announce } from "../push/announce.ts";
import { saveDecision, applyDecision } from "./follow-requests.ts";
import { FEED_MAX, trimFeedStatements } from "../feeds/feed-limit.ts";
import { markStatement } from "../feeds/large-authors.ts";
import { type UnreadNotification, unreadStatements } from "../notifications/write-notifications.ts";
import {
  countFollowerStatements,
  dayOf,
  type Mirrored,
  RAISE_AGAIN_AFTER,
  refreshFollowerStatements,
} from "../notifications/follow-notifications.ts";

/**
 * Applies the effect. Costs one D1 query for the fact, one batch for the followee, one query and one batch for the
 * backfill, and one query to mark the effect as done. A large author needs no backfill, but one query that marks the
 * follow. It may run repeatedly, late, or concurrently with another effect of the same pair: every row ends up as
 * `following` says.
 *
 * A request is accepted if the followee is public by the time it is mirrored. Requests mirrored before the followee
 * became public are accepted together (accept-all-requests.ts), so none is left waiting.
 */
export async function applyFollow(env: Env, effect: Extract<Effect, { kind: "follow" }>): Promise<void> {
  const { follower, followee } = effect;
  // The mirror comes first, so that a post published in between is either delivered to the mirrored follower or
  // backfilled.
  const mirrored = await mirrorFollow(env, follower, followee);
  if (mirrored) {
    const { fact, reach, isPrivate, pending } = mirrored;
    if (fact.active) await (reach === "pushed" ? backfill : mark)(env, follower, followee);
    if (pending && !isPrivate) {
      const answer = await saveDecision(env, follower, followee, "accept");
      if (answer) await applyDecision(env, answer);
    }
  }
  await deleteEffect(env, effect.id);
}

/**
 * Updates the mirror from the fact, and notifies the followee. Costs two D1 queries. Returns undefined if there never
 * was a follow.
 */
export async function mirrorFollow(
  env: Env,
  follower: PersonId,
  followee: PersonId,
  { isAnnounced = true } = {},
): Promise<(Followee & { fact: FollowFact }) | undefined> {
  const { results, bookmark } = await databaseOf(env, follower).patient.inSession<FollowFact>(
    [statement(FACT, follower, followee)],
    "first-primary",
  );
  const fact = results[0]?.rows[0];
  if (!fact) return undefined;
  // An unfollow counts for everybody from now on, so no reader may decide from a state that lacks it.
  const marks = fact.active ? [] : exclusionMark(env, followee, follower, bookmark);
  return { fact, ...(await mirror(env, follower, followee, fact, isAnnounced, marks)) };
}

const FACT = textOf(sql`
  SELECT ${following.active} AS "active", ${following.requested} AS "requested", ${following.asked} AS "asked",
    ${following.since} AS "since", ${following.version} AS "version", ${following.bell} AS "bell"
  FROM ${following} WHERE ${following.follower} = ?1 AND ${following.followee} = ?2`);

type FollowFact = Mirrored & { bell: 0 | 1 };
type Followee = { reach: Reach; isPrivate: 0 | 1; pending: 0 | 1 };

/**
 * Reads the followee's reach in the same transaction, because a follower who is mirrored after it turns must see that.
 */
async function mirror(
  env: Env,
  follower: PersonId,
  followee: PersonId,
  fact: FollowFact,
  isAnnounced: boolean,
  marks: readonly Statement[],
): Promise<Followee> {
  const database = databaseOf(env, followee);
  const pair = [followee, shardOf(follower), follower] as const;
  const { active, version, bell, requested, asked, since } = fact;
  const day = active ? dayOf(since) : null;
  const now = Date.now();
  const unread = unreadStatements([
    ...(day ? [{ recipient: followee, kind: "follow", subject: day } as const] : []),
    ...(requested ? [{ recipient: followee, kind: "follow_request", subject: followee } as const] : []),
  ]);
  const results = await database.patient.batch([
    ...marks,
    ...countFollowerStatements({ follower, followee }, fact, now),
    statement(MIRROR, ...pair, active, version, bell, requested, asked, since, day, now, RAISE_AGAIN_AFTER),
    ...refreshFollowerStatements(followee, day),
    statement(DELETE_LEGACY, ...pair),
    statement(FOLLOWEE, ...pair),
    ...unread,
  ]);
  if (isAnnounced && unread.length > 0)
    await announce(
      env,
      results.slice(-unread.length).flatMap(({ rows }) => rows as UnreadNotification[]),
    );
  const [found] = results[results.length - 1 - unread.length]?.rows ?? [];
  return (found as Followee | undefined) ?? { reach: "pushed", isPrivate: 0, pending: 0 };
}

// The row also holds the followee's decision, so that a decided request does not wait again, however late it is
// mirrored.
const { followee, followerShard, follower, active, version, bell } = followers;
const { pending, asked, since, accepted, answered, toldIn, toldAt } = followers;
const MIRROR = textOf(sql`
  INSERT INTO ${followers}
    (${list(followee, followerShard, follower, active, version, bell, pending, asked, since, toldIn, toldAt)})
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, iif(?4 OR ?7, ?11, 0))
  ON CONFLICT DO UPDATE SET ${takeExcluded(active, version, bell, asked, since)},
    ${bare(pending)} = ${excluded(pending)} AND ${excluded(asked)} <> ${answered},
    ${bare(accepted)} = ${accepted} AND (${excluded(active)} OR ${excluded(pending)}),
    ${bare(toldIn)} = iif(${excluded(asked)} = ${answered} AND ${accepted}, NULL, ${excluded(toldIn)}),
    ${bare(toldAt)} = iif(${excluded(asked)} <> ${asked} AND ${toldAt} <= ?11 - ?12, ${excluded(toldAt)}, ${toldAt})
  WHERE ${excluded(version)} > ${version}`);

const HERE = sql`${followee} = ?1 AND ${followerShard} = ?2 AND ${follower} = ?3`;

const FOLLOWEE = textOf(sql`
  SELECT ${people.reach} AS "reach", ${people.private} AS "isPrivate",
    coalesce((SELECT ${followers.pending} FROM ${followers} WHERE ${HERE}), 0) AS "pending"
  FROM ${people} WHERE ${people.id} = ?1`);

// Follows from before there were daily notifications have one each, whose subject is the follower.
const DELETE_LEGACY = textOf(sql`
  DELETE FROM ${notifications}
  WHERE ${notifications.recipient} = ?1 AND ${notifications.kind} = ${literal("follow" satisfies NotificationKind)}
  AND ${notifications.subject} = ?3
  AND NOT EXISTS (SELECT 1 FROM ${followers} WHERE ${HERE} AND ${followers.active} = 1)`);

/** Adds the followee's newest posts to the feed, as many as a feed keeps, because all may be newer than its entries. */
async function backfill(env: Env, follower: PersonId, followee: PersonId): Promise<void> {
  // Reads the primary, because a replica may lack posts that were published before the mirror was written.
  const newest = await databaseOf(env, followee)
    .patient.orm.select({ id: posts.id })
    .from(posts)
    .where(eq(posts.author, followee))
    .orderBy(desc(posts.id))
    .limit(FEED_MAX);
  const ids = newest.map(({ id }) => id);
  await databaseOf(env, follower).patient.batch([
    statement(BACKFILL, follower, followee, JSON.stringify(ids)),
    ...trimFeedStatements([follower]),
  ]);
}

async function mark(env: Env, follower: PersonId, followee: PersonId): Promise<void> {
  await databaseOf(env, follower).patient.batch([markStatement([follower], followee)]);
}

// Joins the fact, which lives in the database of the feed, so that an unfollow in the meantime wins.
const BACKFILL = textOf(sql`
  INSERT INTO ${feed} (${list(feed.reader, feed.post, feed.author)})
  SELECT ${following.follower}, value, ${following.followee} FROM ${following} JOIN json_each(?3)
  WHERE ${following.follower} = ?1 AND ${following.followee} = ?2 AND ${following.active} = 1
  ON CONFLICT DO NOTHING`);
