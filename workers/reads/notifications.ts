import type { Notification } from "../../schema/api/notifications.ts";
import type { PersonCard } from "../../schema/api/people.ts";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../schema/blocks.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../schema/deadline.ts";
import { isId, type PersonId, type PostId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import type { Viewer } from "../api/routes.ts";
import { mediaUrls } from "../media/urls.ts";
import { personDocuments, type PostDocument } from "./documents.ts";
import { viewablePosts } from "./posts.ts";
import type { Reader } from "./reader.ts";
import { blockedFor } from "./visibility.ts";

type Row = {
  kind: "like" | "comment" | "follow";
  subject: string;
  /** JSON array of person ids. */
  actors: string;
  count: number;
  excerpt: string | null;
  at: number;
  unread: number;
};

/** Names a row and its place in the inbox: time, kind and subject. */
export const notificationKey = ({ at, kind, subject }: Row): string => `${at} ${kind} ${subject}`;

export const isNotificationKey = (text: string): boolean => /^\d{1,15} (like|comment|follow) \w{13}$/.test(text);

/** The newest first, below `before`. One D1 query. What counts nothing any more is not told. */
export async function notificationsOf(
  reader: Reader,
  recipient: PersonId,
  before: string | undefined,
  limit: number,
): Promise<Row[]> {
  const [at = Number.MAX_SAFE_INTEGER, kind = "", subject = ""] = before?.split(" ") ?? [];
  return reader.primary<Row>(recipient, INBOX, recipient, Number(at), kind, subject, limit);
}

const INBOX = `
  SELECT kind, subject, actors, count, excerpt, at, raised > seen AS unread FROM notifications
  WHERE recipient = ?1 AND (at, kind, subject) < (?2, ?3, ?4) AND count > 0 AND raised > 0
  ORDER BY at DESC, kind DESC, subject DESC LIMIT ?5`;

/**
 * How many the recipient has not seen, without those of which nobody is left to be named. One D1 query over the
 * recipient's notifications, beside which their blocks lie.
 */
export async function unreadCount(reader: Reader, { person, hasBlocks }: Viewer): Promise<number> {
  const sql = `${UNREAD} ${hasBlocks ? SOMEBODY_LEFT : ""}`;
  const [row] = await reader.primary<{ unread: number }>(person, sql, person);
  return row?.unread ?? 0;
}

const UNREAD = "SELECT count(*) AS unread FROM notifications WHERE recipient = ?1 AND count > 0 AND raised > seen";
const SOMEBODY_LEFT = `
  AND EXISTS (SELECT 1 FROM json_each(actors) WHERE value NOT IN
    (SELECT other FROM ${ACTIVE_BLOCKS} WHERE person = ?1 AND ${IS_ACTIVE}))`;

/** Everything up to `upTo` (ms since 1970) has been seen. */
export async function markRead(env: Env, recipient: PersonId, upTo: number): Promise<void> {
  const noted = databaseOf(env, recipient)
    .prepare("UPDATE notifications SET seen = raised WHERE recipient = ? AND at <= ? AND count > 0 AND raised > seen")
    .bind(recipient, upTo)
    .run();
  await within(STORE_ANSWERS_WITHIN, noted, "D1");
}

/** By key; leaves out what is about a post or people that are gone, or that the recipient may no longer see. */
export async function presentNotifications(reader: Reader, rows: readonly Row[]): Promise<Map<string, Notification>> {
  const actorsOf = new Map(rows.map((row) => [row, JSON.parse(row.actors) as PersonId[]]));
  const posts = rows.flatMap(({ kind, subject }) => (kind !== "follow" && isId(subject) ? [subject as PostId] : []));
  const everybody = [...actorsOf.values()].flat();
  const [people, documents, blocked] = await Promise.all([
    personDocuments.get(reader, everybody),
    viewablePosts(reader, posts),
    blockedFor(reader, everybody),
  ]);
  return new Map(
    rows.flatMap((row) => {
      const newest = actorsOf.get(row) ?? [];
      const seen = newest.filter((id) => !blocked.has(id));
      const actors = seen.flatMap((id) => people.get(id) ?? []);
      const told = {
        ...row,
        count: Math.max(row.count - (newest.length - seen.length), seen.length),
        excerpt: newest[0] === seen[0] ? row.excerpt : "", // The newest of them wrote it.
      };
      const notification = present(told, actors, documents.get(row.subject as PostId)?.document);
      return notification ? [[notificationKey(row), notification] as const] : [];
    }),
  );
}

function present(row: Row, actors: PersonCard[], document: PostDocument | undefined): Notification | undefined {
  if (actors.length === 0) return undefined;
  const { kind, count, excerpt } = row;
  const told = { actors, count, at: new Date(row.at).toISOString(), unread: row.unread === 1 };
  if (kind === "follow") return { kind, ...told };
  const [picture] = document?.media ?? [];
  if (!document || !picture) return undefined;
  const post = { id: document.id, thumbnail: mediaUrls(picture.id).w320 };
  return kind === "like" ? { kind, post, ...told } : { kind, post, excerpt: excerpt ?? "", ...told };
}
