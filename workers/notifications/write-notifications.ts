/** Writes what people are told into their inboxes. */
import type { Notice } from "../../schema/messages/facts.ts";
import type { PersonId } from "../../schema/ids.ts";
import type { NotificationKind } from "../../schema/notifications.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { isWantedSql } from "./notification-rules.ts";

/** An entry that stands unread. */
export type Unread = { recipient: PersonId; kind: NotificationKind; subject: string };

/**
 * For a batch in the database of the notices' recipients: one row for each, rewritten. It becomes unread only by an event
 * that its recipient wants to be told of and that is newer than what they have seen, and a count of 0 hides it. The row
 * stays even then, because its version keeps a late message from bringing it back. Any order and any repetition of
 * notices leads to the same row, but for its time: that is when it was raised here, so that what comes late stands above
 * what its recipient has read already.
 */
export const tellStatements = (
  database: D1Database,
  notices: readonly Notice[],
  now = Date.now(),
): D1PreparedStatement[] =>
  setBased(
    database,
    TELL,
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

/** For the same batch, behind them: gives back those of the entries that stand unread, as rows of `Unread`. */
export const unreadStatements = (
  database: D1Database,
  entries: readonly Pick<Notice, "recipient" | "kind" | "subject">[],
): D1PreparedStatement[] =>
  setBased(
    database,
    UNREAD,
    entries.map(({ recipient, kind, subject }) => [recipient, kind, subject]),
  );

const WANTED = `
  FROM json_each(notice.value, '$[8]') AS event WHERE ${isWantedSql({
    recipient: "notice.value ->> 0",
    kind: "notice.value ->> 1",
    actor: "event.value ->> 0",
    post: "notice.value ->> 3",
  })}`;

const TELL = `
  INSERT INTO notifications (recipient, kind, subject, post, actors, count, excerpt, version, raised, at)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value -> 4, value ->> 5, value ->> 6, value ->> 7, raised,
    iif(raised > 0, value ->> 9, 0)
  FROM (SELECT value, coalesce((SELECT max(event.value ->> 1) ${WANTED}), 0) AS raised FROM json_each(?1) AS notice)
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
