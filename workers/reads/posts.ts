/** Builds a list of posts in four steps: read a skeleton of ids, hydrate, filter, present. */
import type { PersonCard } from "../../schema/api/people.ts";
import type { Post } from "../../schema/api/posts.ts";
import type { PostStanding } from "../../schema/posts.ts";
import { type PostId, timeOf } from "../../schema/ids.ts";
import { Refusal, type RefusalCode } from "../../schema/api/refusals.ts";
import { shownMedia } from "./media-urls.ts";
import { type KnownPost, knownPosts, likedAmong, personDocuments, type PostDocument } from "./documents.ts";
import { privateAmong } from "./private-accounts.ts";
import { signaturesFor, signaturesOf, type Signatures } from "./private-media.ts";
import type { Reader } from "../storage/reader.ts";
import { canView, mayWriteTo, sightOf } from "./visibility.ts";

/**
 * Ids of posts with the viewer's own part. `isFollowed` is set if the viewer's database has just said that they follow
 * the author.
 */
export type Skeleton = { post: PostId; likedByMe: boolean; isFollowed?: boolean }[];
export type Hydrated = KnownPost & { author: PersonCard; likedByMe: boolean };

/**
 * Returns those posts of the skeleton that the viewer may see, presented, by id. When everything is in memory, costs
 * only as much as `sightOf`.
 */
export async function presentPosts(reader: Reader, skeleton: Skeleton): Promise<Map<PostId, Post>> {
  const hydrated = await hydrate(reader, skeleton);
  const sight = await sightOf(reader, hydrated);
  const visible = hydrated.filter((post) => canView(sight, post));
  const signatures = await signaturesFor(reader, visible);
  return new Map(visible.map((post) => [post.document.id, presentPost(post, signatures)]));
}

/**
 * Returns the skeleton of a list of posts, with which of them the viewer likes. Costs one D1 query for a signed-in
 * viewer.
 */
export async function skeletonOf(reader: Reader, posts: PostId[]): Promise<Skeleton> {
  const liked = reader.person ? await likedAmong(reader, reader.person, posts) : new Set<PostId>();
  return posts.map((post) => ({ post, likedByMe: liked.has(post) }));
}

/**
 * Returns a post, or throws `post_not_found` if the viewer may not see it. `isBehind`: D1 lacks a write of the viewer
 * to it.
 */
export async function viewablePost(reader: Reader, id: PostId): Promise<KnownPost & { isBehind: boolean }> {
  const post = (await viewablePosts(reader, [id])).get(id);
  if (!post) throw new Refusal("post_not_found");
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
  const { body, standing, liked } = snapshot;
  return {
    ...post,
    document: { ...post.document, caption: body.caption, editedAt: body.editedAt },
    stats: { ...post.stats, ...standing },
    likedByMe: liked,
  };
}

/**
 * Presents a post to its author, who has just written it. Costs nothing if their privacy was read in the last second;
 * otherwise one D1 query.
 */
export async function presentOwnPost(reader: Reader, post: Presentable): Promise<Post> {
  const { author, media } = post.document;
  const isPrivate = (await privateAmong(reader, new Set([author]))).size > 0;
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
