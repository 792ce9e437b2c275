/**
 * The effect of a follow, a request, or the end of either: the mirror in the followee's shard, notifications, the
 * backfill.
 */
import { desc, eq, sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import { type PersonId, shardOf } from "../../schema/ids.ts";
import { exclusionMark } from "../../schema/d1/exclusion-marks.ts";
import { byDatabase, databaseOf } from "../../schema/d1/shards.ts";
import { bare, excluded, list, literal, rowsOf, takeExcluded, textOf } from "../../schema/d1/sql.ts";
import type { NotificationKind } from "../../schema/notifications.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { followers, following, people, type Reach } from "../../schema/tables/people.ts";
import { feed, posts } from "../../schema/tables/posts.ts";
import { deleteEffects } from "../storage/effects.ts";
import { announce } from "../push/announce.ts";
import { saveDecision, applyDecision } from "./follow-requests.ts";
import { ENTRIES_PER_AUTHOR, fillsSql, trimFeedStatements } from "../feeds/feed-limit.ts";
import { IS_REFILL_DUE, requestRefills } from "../feeds/refill.ts";
import { markStatement } from "../feeds/large-authors.ts";
import { type UnreadNotification, unreadStatements } from "../notifications/write-notifications.ts";
import {
  countFollowerStatements,
  dayOf,
  type Mirrored,
  RAISE_AGAIN_AFTER,
  refreshFollowerStatements,
} from "../notifications/follow-notifications.ts";

type FollowEffect = Extract<Effect, { kind: "follow" }>;
type Pair = Pick<FollowEffect, "follower" | "followee">;

/** Applies one effect, as `applyFollows` does. */
export const applyFollow = (env: Env, effect: FollowEffect): Promise<void> => applyFollows(env, [effect]);

/**
 * Applies effects. Together they cost one D1 query for the facts and one to mark the effects as done in each database of
 * the followers, and one batch in each database of the followees, which also fills the feeds of those followers who
 * live in the same database. Each follower in another database costs a query and a batch for the backfill, and each
 * large author one query that marks the follow. Effects may run repeatedly, late, or concurrently with others of the
 * same pair: every row ends up as `following` says.
 *
 * A request is accepted if the followee is public by the time it is mirrored. Requests mirrored before the followee
 * became public are accepted together (accept-all-requests.ts), so none is left waiting.
 */
export async function applyFollows(env: Env, effects: readonly FollowEffect[]): Promise<void> {
  // The mirror comes first, so that a post published in between is either delivered to the mirrored follower or
  // backfilled.
  const mirrored = await mirrorFollows(env, effects, { isBackfilled: true });
  for (const [index, { follower, followee }] of effects.entries()) {
    const found = mirrored[index];
    if (!found) continue;
    const { fact, reach, isPrivate, pending, isFilled } = found;
    if (fact.active && reach !== "pushed") await mark(env, follower, followee);
    else if (fact.active && !isFilled) await backfill(env, follower, followee);
    if (pending && !isPrivate) {
      const answer = await saveDecision(env, follower, followee, "accept");
      if (answer) await applyDecision(env, answer);
    }
  }
  const due = effects.filter((_, index) => mirrored[index]?.fact.isRefillDue);
  if (due.length > 0) {
    await requestRefills(
      env,
      due.map(({ follower }) => follower),
    );
  }
  await deleteEffects(
    env,
    effects.map(({ id }) => id),
  );
}

/**
 * Updates the mirror from the fact, and notifies the followee. Costs two D1 queries. Returns undefined if there never
 * was a follow.
 */
export async function mirrorFollow(
  env: Env,
  follower: PersonId,
  followee: PersonId,
  options: MirrorOptions = {},
): Promise<MirroredFollow | undefined> {
  const [mirrored] = await mirrorFollows(env, [{ follower, followee }], options);
  return mirrored;
}

/** `isRefillDue`: so much has left the follower's feed that it must be filled. */
type FollowFact = Mirrored & { bell: 0 | 1; isRefillDue: 0 | 1 };
type Followee = { reach: Reach; isPrivate: 0 | 1; pending: 0 | 1 };
/** `isFilled`: the follower's feed was filled in the same batch. */
type MirroredFollow = Followee & { fact: FollowFact; isFilled: boolean };
type MirrorOptions = {
  isAnnounced?: boolean;
  /** Whether to fill the feeds of followers in the same database too. */
  isBackfilled?: boolean;
};

/** Mirrors several follows, in one query for each database of followers and one batch for each of followees. */
async function mirrorFollows(
  env: Env,
  pairs: readonly Pair[],
  { isAnnounced = true, isBackfilled = false }: MirrorOptions = {},
): Promise<(MirroredFollow | undefined)[]> {
  const facts = await factsOf(env, pairs);
  const found = new Map<string, MirroredFollow>();
  const unread: UnreadNotification[] = [];
  const known = pairs.flatMap((pair) => {
    const known = facts.get(keyOf(pair));
    return known ? [{ ...pair, ...known }] : [];
  });
  const mirrored = [...byDatabase(env, known, ({ followee }) => followee)].map(async ([database, group]) => {
    const parts = group.map(({ fact, readAt, ...pair }) => {
      // An unfollow counts for everybody from now on, so no reader may decide from a state that lacks it.
      const marks = fact.active ? [] : exclusionMark(env, pair.followee, pair.follower, readAt);
      const isFilled = isBackfilled && areBeside(env, pair.follower, pair.followee);
      return { ...mirrorStatements(pair, fact, isFilled, marks), isFilled };
    });
    const results = await database.patient.batch<object>(parts.flatMap(({ statements }) => statements));
    for (const [index, { statements, unreads, isFilled }] of parts.entries()) {
      const own = results.splice(0, statements.length);
      const [state] = own[statements.length - unreads - 1]?.rows ?? [];
      const { fact, readAt: _, ...pair } = group[index] as (typeof group)[number];
      const followee = (state as Followee | undefined) ?? ({ reach: "pushed", isPrivate: 0, pending: 0 } as const);
      found.set(keyOf(pair), { ...followee, fact, isFilled });
      unread.push(...own.slice(statements.length - unreads).flatMap(({ rows }) => rows as UnreadNotification[]));
    }
  });
  await Promise.all(mirrored);
  if (isAnnounced) await announce(env, unread);
  return pairs.map((pair) => found.get(keyOf(pair)));
}

const keyOf = ({ follower, followee }: Pair): string => `${follower} ${followee}`;

const areBeside = (env: Env, follower: PersonId, followee: PersonId): boolean =>
  databaseOf(env, follower).isSame(databaseOf(env, followee));

/** Returns the facts by pair, each with the bookmark of the state in which it was read. */
async function factsOf(
  env: Env,
  pairs: readonly Pair[],
): Promise<Map<string, { fact: FollowFact; readAt: string | undefined }>> {
  const queries = [...byDatabase(env, pairs, ({ follower }) => follower)].map(async ([database, group]) => {
    const keys = group.map(({ follower, followee }): typeof PAIRS.Row => ({ follower, followee }));
    const { results, bookmark } = await database.patient.inSession<FollowFact & Pair>(
      [statement(FACTS, JSON.stringify(keys))],
      "first-primary",
    );
    return (results[0]?.rows ?? []).map((fact) => [keyOf(fact), { fact, readAt: bookmark }] as const);
  });
  return new Map((await Promise.all(queries)).flat());
}

const PAIRS = rowsOf(following, ["follower", "followee"]);
const FACTS = textOf(sql`
  SELECT ${following.follower} AS "follower", ${following.followee} AS "followee",
    ${following.active} AS "active", ${following.requested} AS "requested", ${following.asked} AS "asked",
    ${following.since} AS "since", ${following.version} AS "version", ${following.bell} AS "bell",
    EXISTS (SELECT 1 FROM ${people} WHERE ${people.id} = ${following.follower} AND ${IS_REFILL_DUE}) AS "isRefillDue"
  FROM json_each(?1) CROSS JOIN ${following} ON ${PAIRS.matches}`);

/**
 * Returns the statements for one follow. The last `unreads` of them return unread notifications, and the one before
 * returns the followee: in the same transaction, because a follower who is mirrored after the followee's reach turns
 * must see that.
 */
function mirrorStatements(
  { follower, followee }: Pair,
  fact: FollowFact,
  isBackfilled: boolean,
  marks: readonly Statement[],
): { statements: Statement[]; unreads: number } {
  const pair = [followee, shardOf(follower), follower] as const;
  const { active, version, bell, requested, asked, since } = fact;
  const day = active ? dayOf(since) : null;
  const now = Date.now();
  const unread = unreadStatements([
    ...(day ? [{ recipient: followee, kind: "follow", subject: day } as const] : []),
    ...(requested ? [{ recipient: followee, kind: "follow_request", subject: followee } as const] : []),
  ]);
  const statements = [
    ...marks,
    ...countFollowerStatements({ follower, followee }, fact, now),
    statement(MIRROR, ...pair, active, version, bell, requested, asked, since, day, now, RAISE_AGAIN_AFTER),
    ...refreshFollowerStatements(followee, day),
    statement(DELETE_LEGACY, ...pair),
    ...(isBackfilled && active
      ? [statement(BACKFILL_BESIDE, follower, followee), ...trimFeedStatements([follower])]
      : []),
    statement(FOLLOWEE, ...pair),
    ...unread,
  ];
  return { statements, unreads: unread.length };
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

// As `backfill`, where both live in one database.
const BACKFILL_BESIDE = textOf(sql`
  INSERT INTO ${feed} (${list(feed.reader, feed.post, feed.author)})
  SELECT ?1, ${posts.id}, ?2 FROM ${posts}
  WHERE ${posts.author} = ?2 AND ${fillsSql(sql`?1`, sql`?2`)}
    AND coalesce((SELECT ${people.reach} FROM ${people} WHERE ${people.id} = ?2), 'pushed') = 'pushed'
  ORDER BY ${posts.id} DESC LIMIT ${literal(ENTRIES_PER_AUTHOR)}
  ON CONFLICT DO NOTHING`);

/** Adds the followee's newest posts to the feed, as many as a feed keeps of one author. */
async function backfill(env: Env, follower: PersonId, followee: PersonId): Promise<void> {
  // Reads the primary, because a replica may lack posts that were published before the mirror was written.
  const newest = await databaseOf(env, followee)
    .patient.orm.select({ id: posts.id })
    .from(posts)
    .where(eq(posts.author, followee))
    .orderBy(desc(posts.id))
    .limit(ENTRIES_PER_AUTHOR);
  const ids = newest.map(({ id }) => id);
  await databaseOf(env, follower).patient.batch([
    statement(BACKFILL, follower, followee, JSON.stringify(ids)),
    ...trimFeedStatements([follower]),
  ]);
}

async function mark(env: Env, follower: PersonId, followee: PersonId): Promise<void> {
  await databaseOf(env, follower).patient.batch([markStatement([follower], followee)]);
}

// Checks the facts, which live in the database of the feed, so that an unfollow in the meantime wins.
const BACKFILL = textOf(sql`
  INSERT INTO ${feed} (${list(feed.reader, feed.post, feed.author)})
  SELECT ?1, value, ?2 FROM json_each(?3) WHERE ${fillsSql(sql`?1`, sql`?2`)}
  ON CONFLICT DO NOTHING`);
