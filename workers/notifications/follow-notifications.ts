/**
 * Notifications about new followers and follow requests. New followers share one notification a day, whose subject is
 * the lowest id of that day; open requests share one, whose subject is the person. The statements belong in the batch
 * that changes `followers`, before and after that change: comparing the old row with the new one shows whether the
 * follower is new, so each is counted once, however often the batch runs.
 */
import { aliasedTable, sql, type SQL } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { bare, excluded, list, literal, textOf } from "../../schema/d1/sql.ts";
import { newId, type PersonId, shardOf } from "../../schema/ids.ts";
import type { NotificationKind } from "../../schema/notifications.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { followers, people } from "../../schema/tables/people.ts";
import { kindSql, wantsNotificationSql } from "./notification-rules.ts";

/** The row of `following` that the mirror is about to copy. */
export type Mirrored = {
  active: 0 | 1;
  requested: 0 | 1;
  asked: number;
  since: number;
  version: number;
};
type Pair = { follower: PersonId; followee: PersonId };

const DAY = 86_400_000; // ms
/** A follower who leaves and returns does not make a notification unread again within this time. */
export const RAISE_AGAIN_AFTER = 7 * DAY;
const ACTORS_MAX = 3;

/** The subject of the notification for follows on that day; null if `since` is 0, from before there were daily ones. */
export const dayOf = (since: number): PersonId | null =>
  since > 0 ? newId<PersonId>(0, since - (since % DAY), 0) : null;

/** Statements for before the mirror changes to `mirrored`: they count the follower or request if it is new. */
export function countFollowerStatements(
  { follower, followee }: Pair,
  { active, requested, asked, since, version }: Mirrored,
  now = Date.now(),
): Statement[] {
  const pair = [followee, shardOf(follower), follower] as const;
  const day = dayOf(since);
  const raise = (text: string, subject: PersonId) =>
    statement(text, ...pair, version, asked, subject, since, now - RAISE_AGAIN_AFTER);
  return [
    statement(UNCOUNT, ...pair, version),
    ...(active && day !== null ? [raise(COUNT, day)] : []),
    ...(requested ? [raise(RAISE_REQUESTS, followee)] : []),
  ];
}

/** A statement for before the followee removes a follower: it uncounts them, whatever the version of the mirror. */
export const uncountFollowerStatement = ({ follower, followee }: Pair): Statement =>
  statement(UNCOUNT, followee, shardOf(follower), follower, Number.MAX_SAFE_INTEGER);

/**
 * Statements for after the change: they store the newest remaining actors, and the number of open requests. They write
 * nothing if those are unchanged.
 */
export function refreshFollowerStatements(followee: PersonId, day: PersonId | null): Statement[] {
  return [...(day === null ? [] : [statement(NAME_FOLLOWERS, followee, day)]), statement(COUNT_REQUESTS, followee)];
}

const HERE = sql`${followers.followee} = ?1 AND ${followers.followerShard} = ?2 AND ${followers.follower} = ?3`;
const IS_NEWS = sql`NOT EXISTS (SELECT 1 FROM ${followers} WHERE ${HERE} AND ${followers.version} >= ?4)`;
const WAS_ANSWERED = sql`SELECT 1 FROM ${followers} WHERE ${HERE} AND ${followers.answered} = ?5`;

/** A condition: whether ?3 makes the notification of `kind` unread. */
const raises = (kind: NotificationKind): SQL => sql`(
  NOT EXISTS (
    SELECT 1 FROM ${followers} WHERE ${HERE} AND (${followers.asked} = ?5 OR ${followers.toldAt} > ?8))
  AND ${wantsNotificationSql({ recipient: sql`?1`, kind: kindSql(kind), actor: sql`?3`, post: sql`NULL` })})`;

const latest = aliasedTable(followers, "latest");
const newestOf = (condition: SQL): SQL => sql`(
  SELECT json_group_array(${latest.follower} ORDER BY ${latest.since} DESC, ${latest.follower}) FROM (
    SELECT ${followers.follower}, ${followers.since} FROM ${followers} WHERE ${condition}
    ORDER BY ${followers.since} DESC, ${followers.follower} LIMIT ${literal(ACTORS_MAX)}) AS ${latest})`;

const toldInNotification = sql`${followers.toldIn} = ${notifications.subject}`;

const UNCOUNT = textOf(sql`
  UPDATE ${notifications} SET ${bare(notifications.count)} = ${notifications.count} - 1,
    ${bare(notifications.version)} = ${notifications.version} + 1,
    ${bare(notifications.actors)} =
      ${newestOf(sql`${followers.followee} = ?1 AND ${toldInNotification} AND ${followers.follower} <> ?3`)}
  WHERE ${notifications.recipient} = ?1 AND ${notifications.kind} = ${kindSql("follow")}
  AND ${notifications.subject} = (
    SELECT ${followers.toldIn} FROM ${followers} WHERE ${HERE} AND ${followers.version} < ?4)`);

const COLUMNS = list(
  notifications.recipient,
  notifications.kind,
  notifications.subject,
  notifications.actors,
  notifications.count,
  notifications.version,
  notifications.raised,
  notifications.at,
);

const RAISE = sql`
  ${bare(notifications.raised)} = iif(${excluded(notifications.raised)} > 0,
    max(${notifications.raised} + 1, ${excluded(notifications.raised)}), ${notifications.raised}),
  ${bare(notifications.at)} = max(${notifications.at}, ${excluded(notifications.at)})`;

// A follower whose request was accepted is not counted, because the followee already knows.
const COUNT = textOf(sql`
  INSERT INTO ${notifications} (${COLUMNS})
  SELECT ?1, ${kindSql("follow")}, ?6, '[]', 1, 1, wanted * ?7, wanted * ?7 FROM (SELECT ${raises("follow")} AS wanted)
  WHERE ${IS_NEWS} AND NOT EXISTS (${WAS_ANSWERED} AND ${followers.accepted} = 1)
  ON CONFLICT DO UPDATE SET ${bare(notifications.count)} = ${notifications.count} + 1,
    ${bare(notifications.version)} = ${notifications.version} + 1, ${RAISE}`);

// The row is there even if the request is not wanted, because a request that a block hid stays open when the block ends
// before its effect, and then counts.
const RAISE_REQUESTS = textOf(sql`
  INSERT INTO ${notifications} (${COLUMNS})
  SELECT ?1, ${kindSql("follow_request")}, ?6, '[]', 0, 1, wanted * ?7, wanted * ?7
  FROM (SELECT ${raises("follow_request")} AS wanted) WHERE ${IS_NEWS} AND NOT EXISTS (${WAS_ANSWERED})
  ON CONFLICT DO UPDATE SET ${RAISE}`);

const NAME_FOLLOWERS = textOf(sql`
  UPDATE ${notifications} SET ${bare(notifications.actors)} = newest
  FROM (SELECT ${newestOf(sql`${followers.followee} = ?1 AND ${followers.toldIn} = ?2`)} AS newest)
  WHERE ${notifications.recipient} = ?1 AND ${notifications.kind} = ${kindSql("follow")}
  AND ${notifications.subject} = ?2 AND ${notifications.actors} <> newest`);

const COUNT_REQUESTS = textOf(sql`
  UPDATE ${notifications} SET ${bare(notifications.count)} = waiting, ${bare(notifications.actors)} = newest,
    ${bare(notifications.version)} = ${notifications.version} + 1
  FROM (
    SELECT coalesce((SELECT ${people.requests} FROM ${people} WHERE ${people.id} = ?1), 0) AS waiting,
      ${newestOf(sql`${followers.followee} = ?1 AND ${followers.pending} = 1`)} AS newest)
  WHERE ${notifications.recipient} = ?1 AND ${notifications.kind} = ${kindSql("follow_request")}
  AND ${notifications.subject} = ?1 AND (${notifications.count} <> waiting OR ${notifications.actors} <> newest)`);
