import type { Notification } from "../../schema/api/notifications.ts";
import type { PersonCard } from "../../schema/api/people.ts";
import { isId, type PersonId, type PostId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import { mediaUrls } from "../media/urls.ts";
import { knownPosts, personDocuments, type PostDocument } from "./documents.ts";
import type { Background } from "./tiers.ts";
import { canView } from "./visibility.ts";

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
  env: Env,
  recipient: PersonId,
  before: string | undefined,
  limit: number,
): Promise<Row[]> {
  const [at = Number.MAX_SAFE_INTEGER, kind = "", subject = ""] = before?.split(" ") ?? [];
  const rows = await databaseOf(env, recipient)
    .prepare(
      `SELECT kind, subject, actors, count, excerpt, at, unread FROM notifications
       WHERE recipient = ?1 AND (at, kind, subject) < (?2, ?3, ?4) AND count > 0
       ORDER BY at DESC, kind DESC, subject DESC LIMIT ?5`,
    )
    .bind(recipient, Number(at), kind, subject, limit)
    .all<Row>();
  return rows.results;
}

/** How many the recipient has not seen. One D1 query over the recipient's notifications. */
export async function unreadCount(env: Env, recipient: PersonId): Promise<number> {
  const row = await databaseOf(env, recipient)
    .prepare("SELECT count(*) AS unread FROM notifications WHERE recipient = ? AND unread = 1 AND count > 0")
    .bind(recipient)
    .first<{ unread: number }>();
  return row?.unread ?? 0;
}

/** Everything up to `upTo` (ms since 1970) has been seen. */
export async function markRead(env: Env, recipient: PersonId, upTo: number): Promise<void> {
  await databaseOf(env, recipient)
    .prepare("UPDATE notifications SET unread = 0 WHERE recipient = ? AND at <= ? AND unread = 1")
    .bind(recipient, upTo)
    .run();
}

/** By key; leaves out what is about a post or a person that is gone, or that the recipient may no longer see. */
export async function presentNotifications(
  env: Env,
  background: Background,
  recipient: PersonId,
  rows: readonly Row[],
): Promise<Map<string, Notification>> {
  const actorsOf = new Map(rows.map((row) => [row, JSON.parse(row.actors) as PersonId[]]));
  const posts = rows.flatMap(({ kind, subject }) => (kind !== "follow" && isId(subject) ? [subject as PostId] : []));
  const [people, documents] = await Promise.all([
    personDocuments.get(env, background, [...actorsOf.values()].flat()),
    knownPosts(env, background, posts),
  ]);
  return new Map(
    rows.flatMap((row) => {
      const actors = (actorsOf.get(row) ?? []).flatMap((id) => people.get(id) ?? []);
      const post = documents.get(row.subject as PostId);
      const notification = present(row, actors, canView(recipient, post) ? post.document : undefined);
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
