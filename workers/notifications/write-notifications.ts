/** Writes notifications into inboxes. */
import { sql } from "drizzle-orm";
import type { Notice, NoticeEvent } from "../../schema/messages/notices.ts";
import type { Statement } from "../../schema/d1/database.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { bare, excluded, fieldsOf, jsonFieldsOf, list, rowsOf, textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { following } from "../../schema/tables/people.ts";
import { keyOf, KEYS, type NotificationKey } from "./notification-keys.ts";
import { wantsNotificationSql } from "./notification-rules.ts";

/** The key of an unread notification. */
export type UnreadNotification = NotificationKey;

/**
 * Statements for a batch in the recipients' database that write one row for each notice. A notification becomes unread
 * only by an event that its recipient wants to hear about and that is newer than what they have seen. A count of 0
 * hides it, but the row remains, because its version keeps late notices from bringing it back. Notices in any order and
 * number lead to the same row, except for its time: that is when it was raised here, so that a late one appears above
 * those already read.
 */
export const notificationStatements = (notices: readonly PostNotice[], now = Date.now()): Statement[] =>
  setBased(
    WRITE,
    notices.map((notice): Row => ({ ...notice, at: now })),
  );

/** A notice about a post of `author`. `isPrivate`: they are private, as their primary said after what it is about. */
export type PostNotice = Notice & { author: PersonId; isPrivate: boolean };

/** Statements for the end of the same batch: they return which of these notifications are unread. */
export const unreadStatements = (keys: readonly NotificationKey[]): Statement[] => setBased(UNREAD, keys.map(keyOf));

const NOTICES = rowsOf(
  notifications,
  ["recipient", "kind", "subject", "post", "actors", "count", "excerpt", "version"],
  "notice.value",
);
type Row = typeof NOTICES.Row & Pick<PostNotice, "events" | "author" | "isPrivate"> & { at: number };
const field = fieldsOf<Row>("notice.value");
const jsonField = jsonFieldsOf<Row>("notice.value");
const event = fieldsOf<NoticeEvent>("event.value");

/** The number of the newest event that the recipient wants to hear about, or 0. */
const RAISED = sql`coalesce((
  SELECT max(${event("raised")}) FROM json_each(${jsonField("events")}) AS event
  WHERE ${wantsNotificationSql({
    recipient: field("recipient"),
    kind: field("kind"),
    actor: event("actor"),
    post: field("post"),
  })}), 0)`;

/** Whether the recipient follows somebody of whose events they want to hear. */
const BY_FOLLOWED = sql`EXISTS (
  SELECT 1 FROM json_each(${jsonField("events")}) AS event
  CROSS JOIN ${following} ON ${following.follower} = ${field("recipient")}
    AND ${following.followee} = ${event("actor")} AND ${following.active} = 1
  WHERE ${wantsNotificationSql({
    recipient: field("recipient"),
    kind: field("kind"),
    actor: event("actor"),
    post: field("post"),
  })})`;

const IS_NEWER = sql`${excluded(notifications.version)} > ${notifications.version}`;
const IS_RAISED = sql`${excluded(notifications.raised)} > ${notifications.raised}`;

/**
 * Whether the recipient may hear of the post: nobody but its author and their followers may, if the author is private. Here
 * both are current, and a reader of the inbox may have an older state of the author. What takes back passes.
 */
const MAY_HEAR = sql`(
  NOT ${field("isPrivate")} OR ${field("count")} = 0 OR ${field("recipient")} = ${field("author")} OR EXISTS (
    SELECT 1 FROM ${following} WHERE ${following.follower} = ${field("recipient")}
    AND ${following.followee} = ${field("author")} AND ${following.active} = 1))`;

const WRITE = textOf(sql`
  INSERT INTO ${notifications}
    (${NOTICES.columns}, ${list(notifications.raised, notifications.at, notifications.followedAt)})
  SELECT ${NOTICES.values}, raised, iif(raised > 0, ${field("at")}, 0),
    iif(raised > 0 AND ${BY_FOLLOWED}, ${field("at")}, 0)
  FROM (SELECT value, ${RAISED} AS raised FROM json_each(?1) AS notice) AS notice
  WHERE ${MAY_HEAR}
  ON CONFLICT DO UPDATE SET
    ${bare(notifications.actors)} = iif(${IS_NEWER}, ${excluded(notifications.actors)}, ${notifications.actors}),
    ${bare(notifications.count)} = iif(${IS_NEWER}, ${excluded(notifications.count)}, ${notifications.count}),
    ${bare(notifications.excerpt)} = iif(${IS_NEWER}, ${excluded(notifications.excerpt)}, ${notifications.excerpt}),
    ${bare(notifications.version)} = max(${notifications.version}, ${excluded(notifications.version)}),
    ${bare(notifications.at)} = iif(${IS_RAISED}, ${excluded(notifications.at)}, ${notifications.at}),
    ${bare(notifications.followedAt)} =
      iif(${IS_RAISED}, max(${notifications.followedAt}, ${excluded(notifications.followedAt)}), ${notifications.followedAt}),
    ${bare(notifications.raised)} = max(${notifications.raised}, ${excluded(notifications.raised)})
  WHERE ${IS_NEWER} OR ${IS_RAISED}`);

const UNREAD = textOf(sql`
  SELECT ${notifications.recipient}, ${notifications.kind}, ${notifications.subject} FROM json_each(?1)
  CROSS JOIN ${notifications} ON ${KEYS.matches}
    AND ${notifications.count} > 0 AND ${notifications.raised} > ${notifications.seen}`);
