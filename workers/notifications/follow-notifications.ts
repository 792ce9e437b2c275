/**
 * Notifications about new followers and follow requests. New followers share one notification a day, whose subject is
 * the lowest id of that day; open requests share one, whose subject is the person. The statements belong in the batch
 * that changes `followers`, before and after that change: comparing the old row with the new one shows whether the
 * follower is new, so each is counted once, however often the batch runs.
 */
import { newId, type PersonId, shardOf } from "../../schema/ids.ts";
import { wantsNotificationSql } from "./notification-rules.ts";

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
  database: D1Database,
  { follower, followee }: Pair,
  { active, requested, asked, since, version }: Mirrored,
  now = Date.now(),
): D1PreparedStatement[] {
  const pair = [followee, shardOf(follower), follower] as const;
  const day = dayOf(since);
  const raise = (sql: string, subject: PersonId) =>
    database.prepare(sql).bind(...pair, version, asked, subject, since, now - RAISE_AGAIN_AFTER);
  return [
    database.prepare(UNCOUNT).bind(...pair, version),
    ...(active && day !== null ? [raise(COUNT, day)] : []),
    ...(requested ? [raise(RAISE_REQUESTS, followee)] : []),
  ];
}

/** A statement for before the followee removes a follower: it uncounts them, whatever the version of the mirror. */
export const uncountFollowerStatement = (database: D1Database, { follower, followee }: Pair): D1PreparedStatement =>
  database.prepare(UNCOUNT).bind(followee, shardOf(follower), follower, Number.MAX_SAFE_INTEGER);

/**
 * Statements for after the change: they store the newest remaining actors, and the number of open requests. They write
 * nothing if those are unchanged.
 */
export function refreshFollowerStatements(
  database: D1Database,
  followee: PersonId,
  day: PersonId | null,
): D1PreparedStatement[] {
  return [
    ...(day === null ? [] : [database.prepare(NAME_FOLLOWERS).bind(followee, day)]),
    database.prepare(COUNT_REQUESTS).bind(followee),
  ];
}

const HERE = "followee = ?1 AND follower_shard = ?2 AND follower = ?3";
const IS_NEWS = `NOT EXISTS (SELECT 1 FROM followers WHERE ${HERE} AND version >= ?4)`;
const WAS_ANSWERED = `SELECT 1 FROM followers WHERE ${HERE} AND answered = ?5`;

/** SQL: whether ?3 makes the notification of `kind` unread. */
const raises = (kind: string): string => `(
  NOT EXISTS (SELECT 1 FROM followers WHERE ${HERE} AND (asked = ?5 OR told_at > ?8))
  AND ${wantsNotificationSql({ recipient: "?1", kind: `'${kind}'`, actor: "?3", post: "NULL" })})`;

const newestOf = (condition: string): string => `(
  SELECT json_group_array(follower ORDER BY since DESC, follower) FROM (
    SELECT follower, since FROM followers WHERE ${condition} ORDER BY since DESC, follower LIMIT ${ACTORS_MAX}))`;

const UNCOUNT = `
  UPDATE notifications SET count = count - 1, version = version + 1,
    actors = ${newestOf("followee = ?1 AND told_in = notifications.subject AND follower <> ?3")}
  WHERE recipient = ?1 AND kind = 'follow'
  AND subject = (SELECT told_in FROM followers WHERE ${HERE} AND version < ?4)`;

const RAISE = `
  raised = iif(excluded.raised > 0, max(raised + 1, excluded.raised), raised), at = max(at, excluded.at)`;

// A follower whose request was accepted is not counted, because the followee already knows.
const COUNT = `
  INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at)
  SELECT ?1, 'follow', ?6, '[]', 1, 1, wanted * ?7, wanted * ?7 FROM (SELECT ${raises("follow")} AS wanted)
  WHERE ${IS_NEWS} AND NOT EXISTS (${WAS_ANSWERED} AND accepted = 1)
  ON CONFLICT DO UPDATE SET count = count + 1, version = version + 1, ${RAISE}`;

const RAISE_REQUESTS = `
  INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at)
  SELECT ?1, 'follow_request', ?6, '[]', 0, 1, ?7, ?7
  WHERE ${IS_NEWS} AND NOT EXISTS (${WAS_ANSWERED}) AND ${raises("follow_request")}
  ON CONFLICT DO UPDATE SET ${RAISE}`;

const NAME_FOLLOWERS = `
  UPDATE notifications SET actors = newest FROM (SELECT ${newestOf("followee = ?1 AND told_in = ?2")} AS newest)
  WHERE recipient = ?1 AND kind = 'follow' AND subject = ?2 AND actors <> newest`;

const COUNT_REQUESTS = `
  UPDATE notifications SET count = waiting, actors = newest, version = version + 1 FROM (
    SELECT coalesce((SELECT requests FROM people WHERE id = ?1), 0) AS waiting,
      ${newestOf("followee = ?1 AND pending = 1")} AS newest)
  WHERE recipient = ?1 AND kind = 'follow_request' AND subject = ?1 AND (count <> waiting OR actors <> newest)`;
