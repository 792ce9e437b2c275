/** A list of posts, in four steps: a skeleton of ids, then hydrate, filter and present. */
import type { Context } from "hono";
import type { PersonCard } from "../../schema/api/people.ts";
import type { Post } from "../../schema/api/posts.ts";
import { type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import type { App } from "../api/routes.ts";
import { mediaUrls } from "../media/urls.ts";
import {
  likedAmong,
  personDocuments,
  type PostDocument,
  postDocuments,
  type PostStats,
  postStats,
} from "./documents.ts";
import { written } from "./consistency.ts";
import type { Background } from "./tiers.ts";
import { canView } from "./visibility.ts";

/** Who reads, and what of their own writes must be seen: post -> at least this `seq`. */
export type Reader = { person: PersonId | undefined; written: Map<PostId, number> };
export const readerOf = (c: Context<App>): Reader => ({ person: c.var.viewer?.person, written: written(c) });

export type Skeleton = { post: PostId; likedByMe: boolean }[];
export type Hydrated = { document: PostDocument; author: PersonCard; stats: PostStats; likedByMe: boolean };

/** Those of the skeleton's posts that `reader` may see. Costs one D1 query a database when documents are cached. */
export async function presentPosts(
  env: Env,
  background: Background,
  reader: Reader,
  skeleton: Skeleton,
): Promise<Map<PostId, Post>> {
  const hydrated = await hydrate(env, background, reader, skeleton);
  const visible = hydrated.filter(({ document }) => canView(reader.person, document));
  return new Map(visible.map((post) => [post.document.id, presentPost(post)]));
}

/** The skeleton of any list of posts: what the reader likes among them. One D1 query when somebody is signed in. */
export async function skeletonOf(env: Env, reader: Reader, posts: PostId[]): Promise<Skeleton> {
  const liked = reader.person ? await likedAmong(env, reader.person, posts) : new Set<PostId>();
  return posts.map((post) => ({ post, likedByMe: liked.has(post) }));
}

/** Leaves out what is gone: a post that no store has. */
async function hydrate(env: Env, background: Background, reader: Reader, skeleton: Skeleton): Promise<Hydrated[]> {
  const ids = skeleton.map(({ post }) => post);
  const [documents, stats] = await Promise.all([postDocuments.get(env, background, ids), postStats(env, ids)]);
  const authors = [...documents.values()].map(({ author }) => author);
  const people = await personDocuments.get(env, background, authors);
  const hydrated = skeleton.flatMap(({ post, likedByMe }): Hydrated[] => {
    const document = documents.get(post);
    const author = document && people.get(document.author);
    if (!document || !author) return [];
    return [{ document, author, stats: stats.get(post) ?? { likes: 0, comments: 0, seq: 0 }, likedByMe }];
  });
  return Promise.all(hydrated.map((post) => withOwnWrites(env, reader, post)));
}

/** A post that D1 shows older than the reader's own write is completed by its actor. */
async function withOwnWrites(env: Env, reader: Reader, post: Hydrated): Promise<Hydrated> {
  const { id } = post.document;
  if (post.stats.seq >= (reader.written.get(id) ?? 0)) return post;
  const snapshot = await env.POSTS.getByName(id).snapshot(reader.person);
  if (!snapshot.ok) return post;
  const { likes, comments, seq, liked } = snapshot;
  return { ...post, stats: { likes, comments, seq }, likedByMe: liked };
}

/** A pure function of what was read. */
export function presentPost({ document, author, stats, likedByMe }: Hydrated): Post {
  return {
    id: document.id,
    author,
    caption: document.caption,
    media: document.media.map((media) => ({ ...media, urls: mediaUrls(media.id) })),
    ...stats,
    likedByMe,
    createdAt: new Date(timeOf(document.id)).toISOString(),
  };
}
