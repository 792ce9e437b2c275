/** Stored inbox entries. All reads go to the primary, so that a notification never turns unread again. */
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";
import { NotificationKind } from "../../schema/notifications.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import type { Reader } from "../storage/reader.ts";

export type Entry = {
  kind: NotificationKind;
  subject: PostId | CommentId | PersonId;
  post: PostId | null;
  /** JSON array of person ids. */
  actors: string;
  count: number;
  excerpt: string | null;
  at: number;
  unread: 0 | 1;
};

/** Returns the key of an entry, which is also its position in the inbox: time, kind and subject. */
export const entryKey = ({ at, kind, subject }: Entry): string => `${at} ${kind} ${subject}`;

/** Returns whether a text from outside, such as a cursor, has the form of an entry's key. */
export const isEntryKey = (text: string): boolean => ENTRY_KEY.test(text);
const ENTRY_KEY = new RegExp(`^\\d{1,15} (${NotificationKind.options.join("|")}) \\w{13}$`);

/**
 * Returns up to `limit` entries below the key `before`, newest first, without those whose count is 0. Costs one D1
 * query.
 */
export const entriesOf = (
  reader: Reader,
  recipient: PersonId,
  before: string | undefined,
  limit: number,
): Promise<Entry[]> => below<Entry>(reader, recipient, INBOX, before, limit);

/** Returns unread entries as `entriesOf` does, and reads no other rows. */
export const unreadEntries = (
  reader: Reader,
  recipient: PersonId,
  before: string | undefined,
  limit: number,
): Promise<Entry[]> => below<Entry>(reader, recipient, UNREAD, before, limit);

function below<Row>(reader: Reader, recipient: PersonId, sql: string, before: string | undefined, limit: number) {
  const [at = Number.MAX_SAFE_INTEGER, kind = "", subject = ""] = before?.split(" ") ?? [];
  return reader.primary<Row>(recipient, sql, recipient, Number(at), kind, subject, limit);
}

const ENTRY = "kind, subject, post, actors, count, excerpt, at, raised > seen AS unread";
const INBOX = `
  SELECT ${ENTRY} FROM notifications
  WHERE recipient = ?1 AND (at, kind, subject) < (?2, ?3, ?4) AND count > 0 AND raised > 0
  ORDER BY at DESC, kind DESC, subject DESC LIMIT ?5`;
const UNREAD = `
  SELECT ${ENTRY} FROM notifications INDEXED BY notifications_unread
  WHERE recipient = ?1 AND (at, kind, subject) < (?2, ?3, ?4) AND count > 0 AND raised > seen
  ORDER BY at DESC, kind DESC, subject DESC LIMIT ?5`;

/**
 * Marks every entry up to the time `upTo` (ms since 1970) as read. Costs one D1 query and two rows written per entry.
 */
export async function markAllRead(env: Env, recipient: PersonId, upTo: number): Promise<void> {
  const written = databaseOf(env, recipient)
    .prepare("UPDATE notifications SET seen = raised WHERE recipient = ? AND at <= ? AND count > 0 AND raised > seen")
    .bind(recipient, upTo)
    .run();
  await within(STORE_ANSWERS_WITHIN, written, "D1");
}

/**
 * Marks one entry as read unless it is newer than `upTo`. Returns false when there is no such entry. Costs one D1
 * batch.
 */
export async function markOneRead(
  env: Env,
  recipient: PersonId,
  { kind, subject }: { kind: string; subject: string },
  upTo: number,
): Promise<boolean> {
  const database = databaseOf(env, recipient);
  const key = "recipient = ?1 AND kind = ?2 AND subject = ?3";
  const [found] = await within(
    STORE_ANSWERS_WITHIN,
    database.batch([
      database
        .prepare(`SELECT 1 FROM notifications WHERE ${key} AND count > 0 AND raised > 0`)
        .bind(recipient, kind, subject),
      database
        .prepare(`UPDATE notifications SET seen = raised WHERE ${key} AND at <= ?4 AND raised > seen`)
        .bind(recipient, kind, subject, upTo),
    ]),
    "D1",
  );
  return (found?.results.length ?? 0) > 0;
}

/** Deletes entries of posts that are gone. Entries written for such posts later are filtered when they are read. */
export async function forgetEntries(env: Env, recipient: PersonId, entries: readonly Entry[]): Promise<void> {
  const keys = entries.map(({ kind, subject }) => [kind, subject]);
  await databaseOf(env, recipient)
    .prepare(
      `DELETE FROM notifications WHERE recipient = ?1
       AND (kind, subject) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))`,
    )
    .bind(recipient, JSON.stringify(keys))
    .run();
}
