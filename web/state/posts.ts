/** The posts on screen. Each is cached as one signal, so that a change shows wherever the post does. */
import { type Signal, signal } from "@preact/signals";
import type { Post, PostPage } from "../../schema/api/posts.ts";
import { api, type EditPost } from "../api/api.ts";
import { asProblem } from "../api/problem.ts";
import { markGoneIfMissing, markGone } from "./gone.ts";
import { isLikeUnderWay, like } from "./likes.ts";

export type CachedPost = Signal<Post>;

/** The most cached posts: more than anybody scrolls through. A dropped post is only read again. */
const POSTS_MAX = 500;

/** Signed media URLs last for half an hour at least, so a failure this soon after reading a post has another cause. */
const FRESH_MS = 5 * 60_000;

const posts = new Map<string, CachedPost>();
/** When each post was last read with its media URLs, by `performance.now`. */
const readAt = new WeakMap<CachedPost, number>();

/** Caches a post, or updates the cached one unless that is newer. */
export function cachePost(post: Post): CachedPost {
  const cached = posts.get(post.id);
  if (!cached) {
    const fresh = signal(post);
    posts.set(post.id, fresh);
    readAt.set(fresh, performance.now());
    const [oldest] = posts.keys();
    if (posts.size > POSTS_MAX && oldest !== undefined) posts.delete(oldest);
    return fresh;
  }
  // A response may be older than what is shown, or than a like that is under way.
  if (post.seq < cached.peek().seq || isLikeUnderWay(post.id)) return cached;
  if (post.media !== cached.peek().media) readAt.set(cached, performance.now());
  cached.value = post;
  return cached;
}

/** Applies a newer standing to a cached post. */
export function applyStanding(id: string, standing: Pick<Post, "seq" | "likes" | "comments" | "commentPolicy">): void {
  const cached = posts.get(id);
  if (cached) cachePost({ ...cached.peek(), ...standing });
}

export const cachePosts = ({ items, next }: PostPage) => ({ items: items.map(cachePost), next });

export const forgetPosts = (): void => posts.clear();

/** The cached post, to show before it is read again. */
export const cachedPost = (id: string): CachedPost | undefined => posts.get(id);

export async function likePost(post: CachedPost, liked: boolean): Promise<void> {
  const { id } = post.value;
  const refused = await like(post, liked, async (target) => {
    const { likes, seq } = await api.like(id, target);
    return { likes, seq };
  });
  if (refused) markGoneIfMissing(refused, id);
}

export async function editPost(id: string, change: EditPost): Promise<void> {
  cachePost(await api.editPost(id, change));
}

export async function deletePost(id: string): Promise<void> {
  await api.deletePost(id);
  markGone(id);
}

/** Reads a post again after its media failed to load, if its URLs may have expired. */
export function renewMedia(post: CachedPost): void {
  const now = performance.now();
  if (now - (readAt.get(post) ?? now) < FRESH_MS) return;
  readAt.set(post, now); // Several media of one album fail together.
  void readPostAgain(post.peek().id);
}

/** Reads a post again after a change to its counts or its comment policy. Never rejects. */
export async function readPostAgain(id: string): Promise<void> {
  try {
    cachePost(await api.post(id));
  } catch (error) {
    markGoneIfMissing(asProblem(error), id);
  }
}
