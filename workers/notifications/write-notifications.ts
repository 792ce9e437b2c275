/** Writes notifications into inboxes. */
import type { Notice } from "../../schema/messages/notices.ts";
import type { PersonId } from "../../schema/ids.ts";
import type { NotificationKind } from "../../schema/notifications.ts";
import type { Statement } from "../../schema/d1/database.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { wantsNotificationSql } from "./notification-rules.ts";

/** The key of an unread notification. */
export type UnreadNotification = { recipient: PersonId; kind: NotificationKind; subject: string };

/**
 * Statements for a batch in the recipients' database that write one row for each notice. A notification becomes unread
 * only by an event that its recipient wants to hear about and that is newer than what they have seen. A count of 0
 * hides it, but the row remains, because its version keeps late notices from bringing it back. Notices in any order and
 * number lead to the same row, except for its time: that is when it was raised here, so that a late one appears above
 * those already read.
 */
export const notificationStatements = (notices: readonly Notice[], now = Date.now()): Statement[] =>
  setBased(
    WRITE,
    notices.map(({ recipient, kind, subject, post, actors, count, excerpt, version, events }) => [
      recipient,
      kind,
      subject,
      post,
      actors,
      count,
      excerpt,
      version,
      events.map(({ actor, raised }) => [actor, raised]),
      now,
    ]),
  );

/** Statements for the end of the same batch, which return the unread ones of these notifications as `Unread` rows. */
export const unreadStatements = (
  notifications: readonly Pick<Notice, "recipient" | "kind" | "subject">[],
): Statement[] =>
  setBased(
    UNREAD,
    notifications.map(({ recipient, kind, subject }) => [recipient, kind, subject]),
  );

const WANTED_EVENTS = `
  FROM json_each(notice.value, '$[8]') AS event WHERE ${wantsNotificationSql({
    recipient: "notice.value ->> 0",
    kind: "notice.value ->> 1",
    actor: "event.value ->> 0",
    post: "notice.value ->> 3",
  })}`;

const WRITE = `
  INSERT INTO notifications (recipient, kind, subject, post, actors, count, excerpt, version, raised, at)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value -> 4, value ->> 5, value ->> 6, value ->> 7, raised,
    iif(raised > 0, value ->> 9, 0)
  FROM (SELECT value, coalesce((SELECT max(event.value ->> 1) ${WANTED_EVENTS}), 0) AS raised FROM json_each(?1) AS notice)
  WHERE true
  ON CONFLICT DO UPDATE SET
    actors = iif(excluded.version > version, excluded.actors, actors),
    count = iif(excluded.version > version, excluded.count, count),
    excerpt = iif(excluded.version > version, excluded.excerpt, excerpt),
    version = max(version, excluded.version),
    at = iif(excluded.raised > raised, excluded.at, at),
    raised = max(raised, excluded.raised)
  WHERE excluded.version > version OR excluded.raised > raised`;

const UNREAD = `
  SELECT recipient, kind, subject FROM json_each(?1)
  CROSS JOIN notifications ON recipient = value ->> 0 AND kind = value ->> 1 AND subject = value ->> 2
    AND count > 0 AND raised > seen`;
