/** The posts on screen, each as one signal, so that a change shows wherever the post does. */
import { type Signal, signal } from "@preact/signals";
import type { Post, PostPage } from "../schema/api/posts.ts";
import { api, type EditPost } from "./api.ts";
import { learnGone, markGone } from "./gone.ts";
import { isLikeUnderWay, like } from "./likes.ts";
import { asProblem } from "./problem.ts";

export type KeptPost = Signal<Post>;

/** More than anybody scrolls through; a post that is dropped is only read again. */
const POSTS_MAX = 500;

/** Addresses of what only followers see are good for half an hour at least. A fault before has another cause. */
const FRESH_MS = 5 * 60_000;

const posts = new Map<string, KeptPost>();
/** When each was read last, with the addresses of its media. By `performance.now`. */
const readAt = new WeakMap<KeptPost, number>();

export function keepPost(post: Post): KeptPost {
  const kept = posts.get(post.id);
  if (!kept) {
    const fresh = signal(post);
    posts.set(post.id, fresh);
    readAt.set(fresh, performance.now());
    const [oldest] = posts.keys();
    if (posts.size > POSTS_MAX && oldest !== undefined) posts.delete(oldest);
    return fresh;
  }
  // An answer may be older than what is shown, or than the like that is on its way.
  if (post.seq < kept.peek().seq || isLikeUnderWay(post.id)) return kept;
  if (post.media !== kept.peek().media) readAt.set(kept, performance.now());
  kept.value = post;
  return kept;
}

/** How a post stands by now, while it is on screen. */
export function learnStanding(id: string, standing: Pick<Post, "seq" | "likes" | "comments" | "commentPolicy">): void {
  const kept = posts.get(id);
  if (kept) keepPost({ ...kept.peek(), ...standing });
}

export const keepPosts = ({ items, next }: PostPage) => ({ items: items.map(keepPost), next });

export const forgetPosts = (): void => posts.clear();

/** What is known of a post before it is asked for again. */
export const knownPost = (id: string): KeptPost | undefined => posts.get(id);

export async function likePost(post: KeptPost, liked: boolean): Promise<void> {
  const { id } = post.value;
  const refused = await like(post, liked, async (target) => {
    const { likes, seq } = await api.like(id, target);
    return { likes, seq };
  });
  if (refused) learnGone(refused, id);
}

export async function editPost(id: string, change: EditPost): Promise<void> {
  keepPost(await api.editPost(id, change));
}

export async function deletePost(id: string): Promise<void> {
  await api.deletePost(id);
  markGone(id);
}

/** After something of it could not be loaded: its addresses may be too old, and then it is read again, once. */
export function renewMedia(post: KeptPost): void {
  const now = performance.now();
  if (now - (readAt.get(post) ?? now) < FRESH_MS) return;
  readAt.set(post, now); // Several of one album fail together.
  void readPostAgain(post.peek().id);
}

/** After something that changes its counts, or who may comment. What is shown stays until the answer has come. */
export async function readPostAgain(id: string): Promise<void> {
  try {
    keepPost(await api.post(id));
  } catch (error) {
    learnGone(asProblem(error), id);
  }
}
