import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { pickForTrim } from "../storage/trim-turns.ts";
import { KEYS } from "./notification-keys.ts";
import { kindSql } from "./notification-rules.ts";

/**
 * An inbox keeps the newest KEPT_FROM_FOLLOWED notifications that followed people raised, and the newest
 * KEPT_FROM_OTHERS of everybody else's. Each has its own places, so strangers displace nothing that comes from people
 * they follow. Follow requests, which are one notification, are always kept.
 */
export const KEPT_FROM_FOLLOWED = 700;
export const KEPT_FROM_OTHERS = 300;

/**
 * The most notifications in which one person alone appears. What others have raised too is kept while there is room: of
 * strangers' notifications, those whose newest person has more than this many go first.
 */
export const KEPT_FROM_ONE = 50;

/** The most notifications that an inbox keeps. */
export const INBOX_MAX = KEPT_FROM_FOLLOWED + KEPT_FROM_OTHERS;

/**
 * Statements for a batch that has written notifications: they trim the inboxes whose turn it is, including hidden
 * notifications. Like feeds, inboxes are trimmed in turn. For one recipient in 64, reads about nine rows for each
 * notification of the inbox, as D1 counts, and writes the rows that it deletes.
 */
export function trimInboxStatements(recipients: readonly string[]): Statement[] {
  const picked = pickForTrim([...new Set(recipients)]);
  return picked.length > 0 ? [statement(TRIM, JSON.stringify(picked))] : [];
}

// No stranger can raise many of these: followers share one notification a day, new posts are by people that the recipient
// follows, sign-ins need the password, and decisions are by moderators.
const KNOWN_BY_KIND = sql`${notifications.kind} IN (
  ${kindSql("follow")}, ${kindSql("request_accepted")}, ${kindSql("new_post")}, ${kindSql("new_device")},
  ${kindSql("moderation")})`;

/** SQL over `notifications`: whether it is not one that strangers can raise in any number. */
export const IS_KNOWN = sql`(
  ${notifications.followedAt} > 0 OR ${KNOWN_BY_KIND} OR ${notifications.kind} = ${kindSql("follow_request")})`;

const TRIM = textOf(sql`
  DELETE FROM ${notifications} WHERE (${KEYS.columns}) IN (
    SELECT ${KEYS.columns} FROM (
      SELECT ${KEYS.columns}, known_at, nth, is_alone, row_number() OVER (
        PARTITION BY recipient, known_at > 0
        ORDER BY known_at = 0 AND nth > ${literal(KEPT_FROM_ONE)}, iif(known_at > 0, known_at, at) DESC) AS place
      FROM (
        SELECT ${notifications.recipient}, ${notifications.kind}, ${notifications.subject}, ${notifications.at},
          iif(${KNOWN_BY_KIND}, ${notifications.at}, ${notifications.followedAt}) AS known_at,
          json_array_length(${notifications.actors}) = 1 AS is_alone,
          row_number() OVER (
            PARTITION BY ${notifications.recipient}, ${notifications.actors} ->> 0
            ORDER BY ${notifications.at} DESC) AS nth
        FROM json_each(?1) CROSS JOIN ${notifications} ON ${notifications.recipient} = value
          AND ${notifications.kind} <> ${kindSql("follow_request")}))
    WHERE (is_alone AND nth > ${literal(KEPT_FROM_ONE)})
      OR place > iif(known_at > 0, ${literal(KEPT_FROM_FOLLOWED)}, ${literal(KEPT_FROM_OTHERS)}))`);
