/** Stored inbox entries. */
import { type SQL, sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import { bare, literal, rowsOf, textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { NotificationKind } from "../../schema/notifications.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import type { Reader } from "../storage/reader.ts";

export type InboxEntry = Pick<
  typeof notifications.$inferSelect,
  "kind" | "subject" | "post" | "count" | "excerpt" | "at"
> & {
  /** JSON array of person ids. */
  actors: string;
  unread: 0 | 1;
};

/** Returns the key of an entry, which is also its position in the inbox: time, kind and subject. */
export const entryKey = ({ at, kind, subject }: InboxEntry): string => `${at} ${kind} ${subject}`;

/** Returns whether a text from outside, such as a cursor, has the form of an entry's key. */
export const isEntryKey = (text: string): boolean => ENTRY_KEY.test(text);
const ENTRY_KEY = new RegExp(`^\\d{1,15} (${NotificationKind.options.join("|")}) \\w{13}$`);

/**
 * Returns up to `limit` entries below the key `before`, newest first, without those whose count is 0. Costs one D1
 * query.
 */
export const inboxEntries = (
  reader: Reader,
  recipient: PersonId,
  before: string | undefined,
  limit: number,
): Promise<InboxEntry[]> => below<InboxEntry>(reader, recipient, INBOX, before, limit);

/** Returns unread entries as `inboxEntries` does, and reads no other rows. */
export const unreadEntries = (
  reader: Reader,
  recipient: PersonId,
  before: string | undefined,
  limit: number,
): Promise<InboxEntry[]> => below<InboxEntry>(reader, recipient, UNREAD, before, limit);

function below<Row>(reader: Reader, recipient: PersonId, text: string, before: string | undefined, limit: number) {
  const [at = Number.MAX_SAFE_INTEGER, kind = "", subject = ""] = before?.split(" ") ?? [];
  return reader.replica<Row>(recipient, text, recipient, Number(at), kind, subject, limit);
}

// The terms of the index notifications_by_time, in its words.
const IS_LISTED = sql`${notifications.count} > 0 AND ${notifications.raised} > 0`;
const ONLY = (unread: 0 | 1): SQL => sql`(${notifications.raised} > ${notifications.seen}) = ${literal(unread)}`;
const IS_UNREAD = sql`${IS_LISTED} AND ${ONLY(1)}`;

/** The columns of an InboxEntry. */
export const ENTRY_COLUMNS = sql`
  ${notifications.kind}, ${notifications.subject}, ${notifications.post}, ${notifications.actors},
  ${notifications.count}, ${notifications.excerpt}, ${notifications.at},
  ${notifications.raised} > ${notifications.seen} AS "unread"`;

const IS_BELOW = sql`${notifications.recipient} = ?1
  AND (${notifications.at}, ${notifications.kind}, ${notifications.subject}) < (?2, ?3, ?4)`;
const NEWEST_FIRST = sql`
  ORDER BY ${notifications.at} DESC, ${notifications.kind} DESC, ${notifications.subject} DESC LIMIT ?5`;
const page = (unread: 0 | 1): SQL => sql`
  SELECT ${ENTRY_COLUMNS} FROM ${notifications} INDEXED BY notifications_by_time
  WHERE ${IS_BELOW} AND ${IS_LISTED} AND ${ONLY(unread)} ${NEWEST_FIRST}`;
const UNREAD = textOf(page(1));
// The index keeps read and unread entries apart, so a page is the newest of both: two pages read, and no more.
const INBOX = textOf(sql`
  SELECT * FROM (${page(1)}) UNION ALL SELECT * FROM (${page(0)}) ORDER BY at DESC, kind DESC, subject DESC LIMIT ?5`);

/**
 * Marks every entry up to the time `upTo` (ms since 1970) as read. Costs one D1 query and two rows written per entry.
 */
export async function markAllRead(reader: Reader, recipient: PersonId, upTo: number): Promise<void> {
  await reader.write(recipient, [statement(MARK_ALL, recipient, upTo)]);
}

const MARK = sql`UPDATE ${notifications} SET ${bare(notifications.seen)} = ${notifications.raised}`;
const MARK_ALL = textOf(sql`
  ${MARK} WHERE ${notifications.recipient} = ?1 AND ${notifications.at} <= ?2 AND ${IS_UNREAD}`);

/**
 * Marks one entry as read unless it is newer than `upTo`. Returns false when there is no such entry. Costs one D1
 * batch.
 */
export async function markOneRead(
  reader: Reader,
  recipient: PersonId,
  { kind, subject }: { kind: string; subject: string },
  upTo: number,
): Promise<boolean> {
  const [found] = await reader.write(recipient, [
    statement(FIND_ONE, recipient, kind, subject),
    statement(MARK_ONE, recipient, kind, subject, upTo),
  ]);
  return (found?.rows.length ?? 0) > 0;
}

const IS_ONE = sql`
  ${notifications.recipient} = ?1 AND ${notifications.kind} = ?2 AND ${notifications.subject} = ?3`;
const FIND_ONE = textOf(sql`SELECT 1 FROM ${notifications} WHERE ${IS_ONE} AND ${IS_LISTED}`);
const MARK_ONE = textOf(sql`
  ${MARK} WHERE ${IS_ONE} AND ${notifications.at} <= ?4 AND ${notifications.raised} > ${notifications.seen}`);

/** Deletes entries of posts that are gone. Entries written for such posts later are filtered when they are read. */
export async function forgetEntries(env: Env, recipient: PersonId, entries: readonly InboxEntry[]): Promise<void> {
  const keys = entries.map(({ kind, subject }): typeof ENTRIES.Row => ({ kind, subject }));
  await databaseOf(env, recipient).run(FORGET, recipient, JSON.stringify(keys));
}

const ENTRIES = rowsOf(notifications, ["kind", "subject"]);
const FORGET = textOf(sql`
  DELETE FROM ${notifications}
  WHERE ${notifications.recipient} = ?1 AND (${ENTRIES.columns}) IN (SELECT ${ENTRIES.values} FROM json_each(?2))`);
