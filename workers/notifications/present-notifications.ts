/** Presents inbox entries to their recipient, without those that they may no longer see. */
import type { Notification } from "../../schema/api/notifications.ts";
import type { PersonCard } from "../../schema/api/people.ts";
import type { CommentId, MediaId, PersonId, PostId, SessionId } from "../../schema/ids.ts";
import type { SubjectId } from "../../schema/moderation.ts";
import { UNREAD_MAX } from "../../schema/notifications.ts";
import { logWarning } from "../../schema/log.ts";
import { mediaUrls } from "../reads/media-urls.ts";
import { personDocuments } from "../reads/documents.ts";
import { posts as storedPosts, type PostDocument } from "../reads/stored-posts.ts";
import { type InboxEntry, entryKey, forgetEntries, unreadEntries } from "./inbox.ts";
import { viewablePosts } from "../reads/posts.ts";
import { signaturesFor } from "../reads/private-media.ts";
import type { Reader } from "../storage/reader.ts";
import { blockedFor } from "../reads/visibility.ts";

/** How many pages of unread entries one count reads, since some may be invisible. An inbox has 1,000 entries. */
const ROUNDS_MAX = 10;

/**
 * Counts the viewer's unread notifications, up to UNREAD_MAX, and only those that the inbox would show them. Costs one
 * D1 query when there are none; otherwise one for each UNREAD_MAX entries, plus the cost of presenting them.
 */
export async function unreadCount(reader: Reader, person: PersonId): Promise<number> {
  let [count, before]: [number, string | undefined] = [0, undefined];
  for (let round = 0; round < ROUNDS_MAX && count < UNREAD_MAX; round += 1) {
    const entries = await unreadEntries(reader, person, before, UNREAD_MAX);
    if (entries.length > 0) count += (await presentNotifications(reader, entries)).size;
    const last = entries.at(-1);
    if (!last || entries.length < UNREAD_MAX) break;
    before = entryKey(last);
  }
  return Math.min(count, UNREAD_MAX);
}

/**
 * Returns the notifications by entry key. Leaves out those about a post or people that are gone or that the viewer may
 * not see.
 */
export async function presentNotifications(
  reader: Reader,
  entries: readonly InboxEntry[],
): Promise<Map<string, Notification>> {
  const actorsOf = new Map(entries.map((entry) => [entry, JSON.parse(entry.actors) as PersonId[]]));
  const posts = entries.flatMap(({ post }) => post ?? []);
  const everybody = [...actorsOf.values()].flat();
  const [people, documents, blocked] = await Promise.all([
    personDocuments.get(reader, everybody),
    viewablePosts(reader, posts),
    blockedFor(reader, everybody, reader.ownState),
  ]);
  forgetGone(reader, entries, documents);
  const signatures = await signaturesFor(reader, [...documents.values()]);
  const thumbnailOf = (id: MediaId) => mediaUrls(id, signatures.get(id)).thumb;
  return new Map(
    entries.flatMap((entry) => {
      const newest = actorsOf.get(entry) ?? [];
      const seen = newest.filter((id) => !blocked.has(id));
      const actors = seen.flatMap((id) => people.get(id) ?? []);
      const post = entry.post ? documents.get(entry.post) : undefined;
      const isOwnText = entry.kind === "comment_like";
      const visible = {
        ...entry,
        count: Math.max(entry.count - (newest.length - seen.length), seen.length),
        excerpt: isOwnText || newest[0] === seen[0] ? entry.excerpt : "", // The newest actor wrote it.
      };
      const notification = present(visible, actors, post?.document, thumbnailOf);
      return notification ? [[entryKey(entry), notification] as const] : [];
    }),
  );
}

/** Deletes the entries of deleted posts in the background: an unread one would be read with every count. */
function forgetGone(reader: Reader, entries: readonly InboxEntry[], known: ReadonlyMap<PostId, unknown>): void {
  const { person, env, background } = reader;
  const unknown = entries.filter(({ post }) => post && !known.has(post));
  if (!person || unknown.length === 0) return;
  const forget = async () => {
    if (!(await reader.confirmedViewer())) return;
    // A post may also be missing because D1 is behind. The posts were just read, so they come from memory.
    const stored = await storedPosts.get(
      reader,
      unknown.flatMap(({ post }) => post ?? []),
    );
    const gone = unknown.filter(({ post }) => post && stored.get(post)?.stats.deleted);
    if (gone.length > 0) await forgetEntries(env, person, gone);
  };
  background.waitUntil(
    forget().catch((error: unknown) => logWarning("entries not forgotten", { error: String(error) })),
  );
}

function present(
  entry: InboxEntry,
  actors: PersonCard[],
  document: PostDocument | undefined,
  thumbnailOf: (id: MediaId) => string | undefined,
): Notification | undefined {
  const { kind, subject, count } = entry;
  const at = new Date(entry.at).toISOString();
  const common = { id: `${kind}.${subject}`, actors, count, at, unread: entry.unread === 1 };
  if (kind === "moderation") return { kind, subject: subject as SubjectId, excerpt: entry.excerpt ?? "", ...common };
  if (actors.length === 0) return undefined;
  if (kind === "follow" || kind === "follow_request" || kind === "request_accepted") return { kind, ...common };
  if (kind === "new_device") return { kind, session: subject as SessionId, device: entry.excerpt ?? "", ...common };
  const [picture] = document?.media ?? [];
  if (!document || !picture) return undefined;
  const post = { id: document.id, ...(picture.video?.poster !== false && { thumbnail: thumbnailOf(picture.id) }) };
  if (kind === "like" || kind === "new_post") return { kind, post, ...common };
  const excerpt = entry.excerpt ?? "";
  if (kind === "comment" || kind === "mention") return { kind, post, excerpt, ...common };
  return { kind, post, comment: subject as CommentId, excerpt, ...common };
}
