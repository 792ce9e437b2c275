/** Tells people that somebody has signed in to their account on a new device. */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { list, textOf } from "../../schema/d1/sql.ts";
import type { PersonId, SessionId } from "../../schema/ids.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { sessions } from "../../schema/tables/people.ts";
import { kindSql } from "./notification-rules.ts";
import type { UnreadNotification } from "./write-notifications.ts";

/** The key of the notification about a sign-in. */
export const signInNotification = (recipient: PersonId, session: SessionId): UnreadNotification => ({
  recipient,
  kind: "new_device",
  subject: session,
});

/**
 * A statement for the batch that begins a session. It raises one notification a session, which no preference turns off.
 * Its actor is the person, because nobody else is known. `words` say which device, and where.
 */
export const signInStatement = (person: PersonId, session: SessionId, words: string, now: number): Statement =>
  statement(NOTIFY, person, session, words, now);

/** The same, if an earlier statement of the batch has begun the session. */
export const signInIfBegunStatement = (...about: Parameters<typeof signInStatement>): Statement =>
  statement(NOTIFY_IF_BEGUN, ...about);

const NOTIFICATION = sql`
  INSERT INTO ${notifications} (${list(
    notifications.recipient,
    notifications.kind,
    notifications.subject,
    notifications.actors,
    notifications.count,
    notifications.excerpt,
    notifications.version,
    notifications.raised,
    notifications.at,
  )})
  SELECT ?1, ${kindSql("new_device")}, ?2, json_array(?1), 1, ?3, 1, ?4, ?4`;
const NOTIFY = textOf(sql`${NOTIFICATION} WHERE true ON CONFLICT DO NOTHING`);
const NOTIFY_IF_BEGUN = textOf(sql`
  ${NOTIFICATION} WHERE EXISTS (SELECT 1 FROM ${sessions} WHERE ${sessions.id} = ?2) ON CONFLICT DO NOTHING`);
