/** Entries of the inbox as their recipient may see them now: whatever they may no longer see is not there. */
import type { Notification } from "../../schema/api/notifications.ts";
import type { PersonCard } from "../../schema/api/people.ts";
import type { CommentId, MediaId, PersonId, PostId } from "../../schema/ids.ts";
import { UNREAD_MAX } from "../../schema/notifications.ts";
import { mediaUrls } from "../reads/media-urls.ts";
import { personDocuments, postStats, type PostDocument } from "../reads/documents.ts";
import { type Entry, entryKey, forgetEntries, unreadEntries } from "./inbox.ts";
import { viewablePosts } from "../reads/posts.ts";
import { signaturesFor } from "../reads/private-media.ts";
import type { Reader } from "../storage/reader.ts";
import { blockedFor } from "../reads/visibility.ts";

/** How often one request looks further, because what it has found is not to be seen. An inbox has 1,000 entries. */
const ROUNDS_MAX = 10;

/**
 * How many notifications the reader has not seen, up to UNREAD_MAX: exactly those that they would find. One D1 query when
 * there are none; for each hundred others one, and what presenting them costs.
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

/** By key. Leaves out what is about a post or people that are gone, or that the reader may not see (any more). */
export async function presentNotifications(
  reader: Reader,
  entries: readonly Entry[],
): Promise<Map<string, Notification>> {
  const actorsOf = new Map(entries.map((entry) => [entry, JSON.parse(entry.actors) as PersonId[]]));
  const posts = entries.flatMap(({ post }) => post ?? []);
  const everybody = [...actorsOf.values()].flat();
  const [people, documents, blocked] = await Promise.all([
    personDocuments.get(reader, everybody),
    viewablePosts(reader, posts),
    blockedFor(reader, everybody),
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
      const told = {
        ...entry,
        count: Math.max(entry.count - (newest.length - seen.length), seen.length),
        excerpt: isOwnText || newest[0] === seen[0] ? entry.excerpt : "", // The newest of them wrote it.
      };
      const notification = present(told, actors, post?.document, thumbnailOf);
      return notification ? [[entryKey(entry), notification] as const] : [];
    }),
  );
}

/** In the background: an unread entry of a post that is gone would be looked at for ever. */
function forgetGone(reader: Reader, entries: readonly Entry[], known: ReadonlyMap<PostId, unknown>): void {
  const { person, env, background } = reader;
  const unknown = entries.filter(({ post }) => post && !known.has(post));
  if (!person || unknown.length === 0) return;
  const forgotten = async () => {
    // It may just not be there yet. Asked again, this comes from memory.
    const stats = await postStats.get(
      reader,
      unknown.flatMap(({ post }) => post ?? []),
    );
    const gone = unknown.filter(({ post }) => post && stats.get(post)?.deleted);
    if (gone.length > 0) await forgetEntries(env, person, gone);
  };
  background.waitUntil(
    forgotten().catch((error: unknown) => console.warn("entries not forgotten", { error: String(error) })),
  );
}

function present(
  entry: Entry,
  actors: PersonCard[],
  document: PostDocument | undefined,
  thumbnailOf: (id: MediaId) => string | undefined,
): Notification | undefined {
  if (actors.length === 0) return undefined;
  const { kind, subject, count } = entry;
  const at = new Date(entry.at).toISOString();
  const told = { id: `${kind}.${subject}`, actors, count, at, unread: entry.unread === 1 };
  if (kind === "follow" || kind === "follow_request" || kind === "request_accepted") return { kind, ...told };
  const [picture] = document?.media ?? [];
  if (!document || !picture) return undefined;
  const post = { id: document.id, ...(picture.video?.poster !== false && { thumbnail: thumbnailOf(picture.id) }) };
  if (kind === "like" || kind === "new_post") return { kind, post, ...told };
  const excerpt = entry.excerpt ?? "";
  if (kind === "comment" || kind === "mention") return { kind, post, excerpt, ...told };
  return { kind, post, comment: subject as CommentId, excerpt, ...told };
}
