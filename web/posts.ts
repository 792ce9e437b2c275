/** The posts on screen, each as one signal, so that a like shows wherever the post does. */
import { type Signal, signal } from "@preact/signals";
import type { Post, PostPage } from "../schema/api/posts.ts";
import { api } from "./api.ts";
import { asProblem } from "./problem.ts";
import { tell } from "./toast.ts";

export type KeptPost = Signal<Post>;

/** More than anybody scrolls through; a post that is dropped is only read again. */
const POSTS_MAX = 500;

const posts = new Map<string, KeptPost>();
/** What the person wants of a post whose like is on its way. */
const wanted = new Map<string, boolean>();

export function keepPost(post: Post): KeptPost {
  const kept = posts.get(post.id);
  if (!kept) {
    const fresh = signal(post);
    posts.set(post.id, fresh);
    const [oldest] = posts.keys();
    if (posts.size > POSTS_MAX && oldest !== undefined) posts.delete(oldest);
    return fresh;
  }
  // An answer may be older than what is shown, or than the like that is on its way.
  if (post.seq >= kept.peek().seq && !wanted.has(post.id)) kept.value = post;
  return kept;
}

export const keepPosts = ({ items, next }: PostPage) => ({ items: items.map(keepPost), next });

export const forgetPosts = (): void => posts.clear();

/** What is known of a post before it is asked for again. */
export const knownPost = (id: string): KeptPost | undefined => posts.get(id);

/** Shows the like at once and takes it back if it is refused. */
export async function like(post: KeptPost, liked: boolean): Promise<void> {
  const { id, likedByMe } = post.value;
  if (likedByMe === liked) return;
  show(post, liked);
  const underWay = wanted.has(id);
  wanted.set(id, liked);
  // One request at a time, or two fast taps could arrive in the other order. It looks here again when it ends.
  if (underWay) return;
  let confirmed = likedByMe;
  try {
    for (let target = wanted.get(id); target !== undefined && target !== confirmed; target = wanted.get(id)) {
      const { likes, seq } = await api.like(id, target);
      confirmed = target;
      if (wanted.get(id) === confirmed) post.value = { ...post.value, likes, seq, likedByMe: confirmed };
    }
  } catch (error) {
    show(post, confirmed);
    tell(`The like was not saved. ${asProblem(error).message}`, "error");
  } finally {
    wanted.delete(id);
  }
}

function show(post: KeptPost, liked: boolean): void {
  const { likes, likedByMe } = post.value;
  const change = Number(liked) - Number(likedByMe);
  post.value = { ...post.value, likes: likes + change, likedByMe: liked };
}
