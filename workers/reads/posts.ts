/** A list of posts, in four steps: a skeleton of ids, then hydrate, filter and present. */
import type { PersonCard } from "../../schema/api/people.ts";
import type { Post } from "../../schema/api/posts.ts";
import type { PostStanding } from "../../schema/messages/facts.ts";
import { type PostId, timeOf } from "../../schema/ids.ts";
import { ApiError, type ErrorCode } from "../../schema/api/refusals.ts";
import { shownMedia } from "./media-urls.ts";
import { knownPosts, likedAmong, personDocuments, type PostDocument } from "./documents.ts";
import { privateAmong } from "./private-accounts.ts";
import { signaturesFor, signaturesOf, type Signatures } from "./private-media.ts";
import type { Reader } from "../storage/reader.ts";
import { canView, mayWriteTo, unseenAuthors } from "./visibility.ts";
import type { KnownPost } from "./documents.ts";

/** `isFollowed`: the reader follows the author, as their own database says now. */
export type Skeleton = { post: PostId; likedByMe: boolean; isFollowed?: boolean }[];
export type Hydrated = KnownPost & { author: PersonCard; likedByMe: boolean };

/** Those of the skeleton's posts that `reader` may see. Costs nothing when all is in memory, but what `unseenAuthors` does. */
export async function presentPosts(reader: Reader, skeleton: Skeleton): Promise<Map<PostId, Post>> {
  const hydrated = await hydrate(reader, skeleton);
  const unseen = await unseenAuthors(reader, hydrated);
  const visible = hydrated.filter((post) => canView(unseen, post));
  const signatures = await signaturesFor(reader, visible);
  return new Map(visible.map((post) => [post.document.id, presentPost(post, signatures)]));
}

/** The skeleton of any list of posts: what the reader likes among them. One D1 query when somebody is signed in. */
export async function skeletonOf(reader: Reader, posts: PostId[]): Promise<Skeleton> {
  const liked = reader.person ? await likedAmong(reader, reader.person, posts) : new Set<PostId>();
  return posts.map((post) => ({ post, likedByMe: liked.has(post) }));
}

/** One post, if `reader` may see it; else the refusal `post_not_found`. `isBehind`: D1 has not all that they wrote. */
export async function viewablePost(reader: Reader, id: PostId): Promise<KnownPost & { isBehind: boolean }> {
  const post = (await viewablePosts(reader, [id])).get(id);
  if (!post) throw new ApiError("post_not_found");
  return { ...post, isBehind: post.stats.projected < (reader.seen.post(id)?.seq ?? 0) };
}

/** Of several posts those that `reader` may see. */
export async function viewablePosts(reader: Reader, ids: PostId[]): Promise<Map<PostId, KnownPost>> {
  const posts = await knownPosts(reader, ids);
  const unseen = await unseenAuthors(reader, [...posts.values()]);
  return new Map([...posts].filter(([, post]) => canView(unseen, post)));
}

/** Before a write: refuses as `viewablePost` does whoever may not see the post. Costs what `mayWriteTo` does. */
export async function requireAccess(reader: Reader, post: PostId): Promise<void> {
  if (!(await mayWriteTo(reader, post))) throw new ApiError("post_not_found");
}

/** A command that the post's actor has refused. What a refusal tells of a post, it tells only those who may see it. */
export async function refused(reader: Reader, post: PostId, reason: ErrorCode): Promise<ApiError> {
  await requireAccess(reader, post);
  return new ApiError(reason);
}

/** Leaves out what is gone: a post that no store has. */
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
 * A post that D1 shows older than the reader's own write is completed by its actor. So is one that D1 shows not liked as
 * the reader has left it: the likes are read a moment before the counts, and D1 may have caught up in between.
 */
async function withOwnWrites(reader: Reader, post: Hydrated): Promise<Hydrated> {
  const { id } = post.document;
  const own = reader.seen.post(id);
  if (!own) return post;
  const isAsLeft = own.liked === undefined || own.liked === post.likedByMe;
  if (post.stats.projected >= own.seq && isAsLeft) return post;
  const snapshot = await reader.snapshot(id);
  if (!snapshot.ok) return { ...post, stats: { ...post.stats, deleted: true } };
  const { body, standing, liked } = snapshot;
  return {
    ...post,
    document: { ...post.document, caption: body.caption, editedAt: body.editedAt },
    stats: { ...post.stats, ...standing },
    likedByMe: liked,
  };
}

/** A post to its author, who has just written it. Costs nothing if they were asked about in the last second; else a D1 query. */
export async function presentOwnPost(reader: Reader, post: Presentable): Promise<Post> {
  const { author, media } = post.document;
  const isPrivate = (await privateAmong(reader, new Set([author]))).size > 0;
  const signatures = await signaturesOf(reader, isPrivate ? media.map(({ id }) => id) : []);
  return presentPost(post, signatures);
}

/** A pure function of what was read. What was signed for one reader is shown to no other. */
function presentPost({ likedByMe, ...post }: Presentable, signatures: Signatures): Post {
  const { media } = post.document;
  const shown = presentedToAll(post);
  if (!media.some(({ id }) => signatures.has(id))) return { ...shown, likedByMe };
  return { ...shown, media: media.map((file) => shownMedia(file, signatures.get(file.id))), likedByMe };
}

type ToAll = Omit<Post, "likedByMe">;
type Seen = Omit<Presentable, "likedByMe">;
/** As long as the tiers have the same three, they look the same. */
const presented = new WeakMap<Seen["document"], Omit<Seen, "document"> & { post: ToAll }>();

function presentedToAll(seen: Seen): ToAll {
  const { document, author, stats } = seen;
  const known = presented.get(document);
  if (known && known.author === author && known.stats === stats) return known.post;
  const post = postToAll(seen);
  presented.set(document, { author, stats, post });
  return post;
}

function postToAll({ document, author, stats }: Seen): ToAll {
  const { id, caption, media, editedAt } = document;
  const { likes, comments, seq, policy } = stats;
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
  };
}

type Presentable = {
  document: Omit<PostDocument, "seq">;
  author: PersonCard;
  stats: PostStanding;
  likedByMe: boolean;
};
