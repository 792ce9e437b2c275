import { sql, type SQL, type SQLWrapper } from "drizzle-orm";
import { IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { valueOf } from "../../schema/d1/sql.ts";
import type { NotificationKind, NotificationSource } from "../../schema/notifications.ts";
import { mutedPosts, mutes, notificationPreferences, notifications } from "../../schema/tables/notifications.ts";
import { blocks, following } from "../../schema/tables/people.ts";

/** Columns, parameters or constants. */
type Expressions = { recipient: SQLWrapper; kind: SQLWrapper; actor: SQLWrapper; post: SQLWrapper };

/** A kind of notification as a constant in a statement. */
export const kindSql = (kind: NotificationKind): SQL => valueOf(notifications.kind, kind);

const sourceSql = (source: NotificationSource): SQL => valueOf(notificationPreferences.who, source);

/**
 * A condition for the recipient's database, which holds everything it reads: whether `recipient` wants a notification
 * of `kind` about something that `actor` did, to `post` (NULL if it concerns no post). Nobody is notified of their own
 * actions, of people in a block with them, or of people and posts that they have muted. Beyond that they choose for
 * each kind whose actions they hear about. With `following`, an accepted request counts even before the follow begins.
 */
export const wantsNotificationSql = ({ recipient, kind, actor, post }: Expressions): SQL => sql`(
  ${actor} <> ${recipient}
  AND NOT EXISTS (
    SELECT 1 FROM ${blocks} WHERE ${blocks.person} = ${recipient} AND ${blocks.other} = ${actor} AND ${IS_ACTIVE})
  AND NOT EXISTS (SELECT 1 FROM ${mutes} WHERE ${mutes.person} = ${recipient} AND ${mutes.other} = ${actor})
  AND NOT EXISTS (
    SELECT 1 FROM ${mutedPosts} WHERE ${mutedPosts.person} = ${recipient} AND ${mutedPosts.post} = ${post})
  AND CASE (
      SELECT ${notificationPreferences.who} FROM ${notificationPreferences}
      WHERE ${notificationPreferences.person} = ${recipient} AND ${notificationPreferences.kind} = ${kind})
    WHEN ${sourceSql("nobody")} THEN 0
    WHEN ${sourceSql("following")} THEN ${kind} = ${kindSql("request_accepted")} OR EXISTS (
      SELECT 1 FROM ${following}
      WHERE ${following.follower} = ${recipient} AND ${following.followee} = ${actor} AND ${following.active} = 1)
    ELSE 1 END)`;
