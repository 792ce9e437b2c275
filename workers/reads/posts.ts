/** Builds a list of posts in four steps: read a skeleton of ids, hydrate, filter, present. */
import type { PersonCard } from "../../schema/api/people.ts";
import type { Post } from "../../schema/api/posts.ts";
import type { PostStanding } from "../../schema/posts.ts";
import { bindingOf } from "../../schema/d1/shards.ts";
import { AFTER_EVERY_ID, type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import { Refusal, type RefusalCode } from "../../schema/api/refusals.ts";
import { shownMedia } from "./media-urls.ts";
import { audiences, likedAmong, personDocuments } from "./documents.ts";
import { isDeletedInD1, type KnownPost, knownPosts, type PostDocument, postsBy } from "./stored-posts.ts";
import { signaturesFor, signaturesOf, type Signatures } from "./private-media.ts";
import type { Seen } from "../storage/consistency.ts";
import type { Reader } from "../storage/reader.ts";
import { canView, mayWriteTo, postNotFound, sightOf } from "./visibility.ts";

/** Ids of posts with the viewer's own part. `followedAt` as in KnownPost. */
export type Skeleton = { post: PostId; likedByMe: boolean; followedAt?: string }[];
export type Hydrated = KnownPost & { author: PersonCard; likedByMe: boolean };

/**
 * Returns those posts of the skeleton that the viewer may see, presented, by id. When everything is in memory, costs
 * only as much as `sightOf`.
 */
export async function presentPosts(reader: Reader, skeleton: Skeleton): Promise<Map<PostId, Post>> {
  const hydrated = await hydrate(reader, skeleton);
  const sight = await sightOf(reader, hydrated);
  return present(
    reader,
    hydrated.filter((post) => canView(sight, post)),
  );
}

async function present(reader: Reader, visible: Hydrated[]): Promise<Map<PostId, Post>> {
  const signatures = await signaturesFor(reader, visible);
  return new Map(visible.map((post) => [post.document.id, presentPost(post, signatures)]));
}

/**
 * Returns one post, presented, or throws `post_not_found` as `viewablePost` does. Reads the post and the viewer's like
 * at the same time: one D1 query for a signed-in viewer, and one for a post that nobody has read in the last second.
 */
export async function presentedPost(reader: Reader, id: PostId): Promise<Post> {
  const { person } = reader;
  const [liked] = await Promise.all([person && likedAmong(reader, person, [id]), viewablePost(reader, id)]);
  const hydrated = await hydrate(reader, [{ post: id, likedByMe: liked?.has(id) ?? false }]);
  const shown = await present(
    reader,
    hydrated.filter(({ stats }) => !stats.deleted), // Its actor may know more than D1.
  );
  const post = shown.get(id);
  if (!post) throw new Refusal("post_not_found");
  return post;
}

/**
 * Returns the newest `limit` posts of one author below `before`. Costs one D1 query, and one more for the likes of a
 * viewer in another database than the author's.
 */
export async function authoredPage(
  reader: Reader,
  author: PersonId,
  before: PostId | undefined,
  limit: number,
): Promise<Skeleton> {
  const { env, person, seen } = reader;
  const start = before ?? (AFTER_EVERY_ID as PostId);
  const isElsewhere = person !== undefined && bindingOf(env, person) !== bindingOf(env, author);
  const rows = await postsBy(reader, author, start, limit);
  const ids = rows.map(({ id }) => id);
  const liked = isElsewhere && ids.length > 0 ? await likedAmong(reader, person, ids) : undefined;
  const entries = rows.map(({ id, likedHere }) => ({ post: id, likedByMe: liked?.has(id) ?? likedHere }));
  return person === author ? withPublishedJustNow(seen, entries, start, limit) : entries;
}

/** Adds posts that the viewer has just published and that a replica lacks. Reading them decides whether they exist. */
export function withPublishedJustNow(seen: Seen, entries: Skeleton, before: PostId, limit: number): Skeleton {
  const { published } = seen;
  if (published.length === 0) return entries;
  const floor = entries[limit - 1]?.post ?? "";
  const known = new Set(entries.map(({ post }) => post));
  const missing = published.filter((post) => !known.has(post) && post < before && post > floor);
  return [...entries, ...missing.map((post) => ({ post, likedByMe: false }))]
    .toSorted((a, b) => (a.post < b.post ? 1 : -1))
    .slice(0, limit);
}

/**
 * Returns a post, or throws `post_not_found` if the viewer may not see it, whatever the reason after the same reads.
 * `isBehind`: D1 lacks a write of the viewer to it.
 */
export async function viewablePost(reader: Reader, id: PostId): Promise<KnownPost & { isBehind: boolean }> {
  const post = (await knownPosts(reader, [id])).get(id);
  if (!post || post.stats.deleted) throw await postNotFound(reader, id, isDeletedInD1(id) ? "deleted" : "missing");
  if (!canView(await sightOf(reader, [post]), post)) throw await postNotFound(reader, id, "hidden");
  return { ...post, isBehind: post.stats.projected < (reader.seen.post(id)?.seq ?? 0) };
}

/** Returns those of several posts that the viewer may see. */
export async function viewablePosts(reader: Reader, ids: PostId[]): Promise<Map<PostId, KnownPost>> {
  const posts = await knownPosts(reader, ids);
  const sight = await sightOf(reader, [...posts.values()]);
  return new Map([...posts].filter(([, post]) => canView(sight, post)));
}

/** Throws `post_not_found` before a write to a post that the viewer may not see. Costs as much as `mayWriteTo`. */
export async function requireAccess(reader: Reader, post: PostId): Promise<void> {
  if (!(await mayWriteTo(reader, post))) throw new Refusal("post_not_found");
}

/**
 * Returns the error for a command that the post's actor has refused. Throws `post_not_found` instead if the viewer may
 * not see the post, because the reason would reveal something about it.
 */
export async function refusalFor(reader: Reader, post: PostId, reason: RefusalCode): Promise<Refusal> {
  await requireAccess(reader, post);
  return new Refusal(reason);
}

/** Adds documents, standings and authors. Leaves out posts that no store has. */
async function hydrate(reader: Reader, skeleton: Skeleton): Promise<Hydrated[]> {
  const ids = skeleton.map(({ post }) => post);
  const posts = await knownPosts(reader, ids);
  const authors = [...posts.values()].map(({ document }) => document.author);
  const people = await personDocuments.get(reader, authors);
  const hydrated = skeleton.flatMap(({ post, ...mine }): Hydrated[] => {
    const known = posts.get(post);
    const author = known && people.get(known.document.author);
    return author ? [{ ...known, author, ...mine }] : [];
  });
  return Promise.all(hydrated.map((post) => withOwnWrites(reader, post)));
}

/**
 * Completes a post from its actor if D1 is behind a write of the viewer. Also does so if the like in D1 differs from
 * the one the viewer left: likes are read a moment before the counts, and D1 may have caught up in between.
 */
async function withOwnWrites(reader: Reader, post: Hydrated): Promise<Hydrated> {
  const { id } = post.document;
  const own = reader.seen.post(id);
  if (!own) return post;
  const isLikeCurrent = own.liked === undefined || own.liked === post.likedByMe;
  if (post.stats.projected >= own.seq && isLikeCurrent) return post;
  const snapshot = await reader.snapshot(id);
  if (!snapshot.ok) return { ...post, stats: { ...post.stats, deleted: true } };
  const { author, body, standing, liked } = snapshot;
  // Others have not written the caption, and D1 decides whether they may see a new one.
  const words = author === reader.person && { caption: body.caption, editedAt: body.editedAt };
  return {
    ...post,
    document: { ...post.document, ...words },
    stats: { ...post.stats, ...standing },
    likedByMe: liked,
  };
}

/**
 * Presents a post to its author, who has just written it. Costs nothing if they were looked up in the last second;
 * otherwise one D1 query.
 */
export async function presentOwnPost(reader: Reader, post: Presentable): Promise<Post> {
  const { author, media } = post.document;
  const isPrivate = (await audiences.get(reader, [author])).get(author)?.isPrivate ?? false;
  const signatures = await signaturesOf(reader, isPrivate ? media.map(({ id }) => id) : []);
  return presentPost(post, signatures);
}

/** Presents a post to one viewer. Signed URLs never enter the memoized part, so they reach no other viewer. */
function presentPost({ likedByMe, ...post }: Presentable, signatures: Signatures): Post {
  const { media } = post.document;
  const shown = memoizedForAll(post);
  if (!media.some(({ id }) => signatures.has(id))) return { ...shown, likedByMe };
  return { ...shown, media: media.map((file) => shownMedia(file, signatures.get(file.id))), likedByMe };
}

type PostForAll = Omit<Post, "likedByMe">;
type Source = Omit<Presentable, "likedByMe">;
/** Presented posts by document, valid while the tiers hold the same document, author and standing. */
const presented = new WeakMap<Source["document"], Omit<Source, "document"> & { post: PostForAll }>();

function memoizedForAll(source: Source): PostForAll {
  const { document, author, stats } = source;
  const known = presented.get(document);
  if (known && known.author === author && known.stats === stats) return known.post;
  const post = presentForAll(source);
  presented.set(document, { author, stats, post });
  return post;
}

function presentForAll({ document, author, stats }: Source): PostForAll {
  const { id, caption, media, editedAt } = document;
  const { likes, comments, seq, policy, takenDown } = stats;
  return {
    id,
    author,
    caption,
    likes,
    comments,
    seq,
    media: media.map((file) => shownMedia(file)),
    commentPolicy: policy,
    createdAt: new Date(timeOf(id)).toISOString(),
    ...(editedAt !== null && { editedAt: new Date(editedAt).toISOString() }),
    ...(takenDown && { takenDown }),
  };
}

type Presentable = {
  document: Omit<PostDocument, "seq">;
  author: PersonCard;
  stats: PostStanding;
  likedByMe: boolean;
};
