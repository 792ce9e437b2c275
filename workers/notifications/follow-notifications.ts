/**
 * What a person is told of who follows them or asks to. New followers are one entry a day, whose subject is the first id that
 * the day can have; open requests are one entry, whose subject is the person. The statements belong into the batch that
 * changes `followers`, before and behind that change: what the row was and what it is about to become tells whether
 * something is new, so however often the batch runs, each follower is counted once.
 */
import { newId, type PersonId, shardOf } from "../../schema/ids.ts";
import { isWantedSql } from "./notification-rules.ts";

/** A follower as the mirror is about to keep them. */
export type Mirrored = {
  active: 0 | 1;
  requested: 0 | 1;
  asked: number;
  since: number;
  version: number;
};
type Pair = { follower: PersonId; followee: PersonId };

const DAY = 86_400_000; // ms
/** Who comes and goes and comes again raises nothing anew for as long. */
export const RAISED_ONCE_IN = 7 * DAY;
const ACTORS_MAX = 3;

/** The subject of the entry that counts a follow of this time; null for one of before there were any. */
export const dayOf = (since: number): PersonId | null =>
  since > 0 ? newId<PersonId>(0, since - (since % DAY), 0) : null;

/** Before the change to what `mirrored` says. */
export function toldBefore(
  database: D1Database,
  { follower, followee }: Pair,
  { active, requested, asked, since, version }: Mirrored,
  now = Date.now(),
): D1PreparedStatement[] {
  const pair = [followee, shardOf(follower), follower] as const;
  const day = dayOf(since);
  const raise = (sql: string, subject: PersonId) =>
    database.prepare(sql).bind(...pair, version, asked, subject, since, now - RAISED_ONCE_IN);
  return [
    database.prepare(UNCOUNT).bind(...pair, version),
    ...(active && day !== null ? [raise(COUNT, day)] : []),
    ...(requested ? [raise(ASK, followee)] : []),
  ];
}

/** Before the follow ends by the followee's own hand, whatever its version is. */
export const uncounted = (database: D1Database, { follower, followee }: Pair): D1PreparedStatement =>
  database.prepare(UNCOUNT).bind(followee, shardOf(follower), follower, Number.MAX_SAFE_INTEGER);

/** Behind the change: names the newest of those who are left. Writes nothing when that is as it was. */
export function toldAfter(database: D1Database, followee: PersonId, day: PersonId | null): D1PreparedStatement[] {
  return [
    ...(day === null ? [] : [database.prepare(NAME_FOLLOWERS).bind(followee, day)]),
    database.prepare(COUNT_REQUESTS).bind(followee),
  ];
}

const HERE = "followee = ?1 AND follower_shard = ?2 AND follower = ?3";
const IS_NEWS = `NOT EXISTS (SELECT 1 FROM followers WHERE ${HERE} AND version >= ?4)`;
const WAS_ANSWERED = `SELECT 1 FROM followers WHERE ${HERE} AND answered = ?5`;

/** SQL: whether ?3 makes the recipient look, by an entry of `kind`. */
const raises = (kind: string): string => `(
  NOT EXISTS (SELECT 1 FROM followers WHERE ${HERE} AND (asked = ?5 OR told_at > ?8))
  AND ${isWantedSql({ recipient: "?1", kind: `'${kind}'`, actor: "?3", post: "NULL" })})`;

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

// Whoever was let in by an answer to their request is no news.
const COUNT = `
  INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at)
  SELECT ?1, 'follow', ?6, '[]', 1, 1, wanted * ?7, wanted * ?7 FROM (SELECT ${raises("follow")} AS wanted)
  WHERE ${IS_NEWS} AND NOT EXISTS (${WAS_ANSWERED} AND accepted = 1)
  ON CONFLICT DO UPDATE SET count = count + 1, version = version + 1, ${RAISE}`;

const ASK = `
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
