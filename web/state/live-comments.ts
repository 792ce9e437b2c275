/** Updates the comments under the post on screen as others write, edit and delete them. */
import type { PostFrame } from "../../schema/api/live.ts";
import { watchPost } from "../api/live.ts";
import { commentsOf, commentsUnder, cacheComment, cachedComment, ORDERS, parentOf, type Thread } from "./comments.ts";
import { unmarkGone, markGone } from "./gone.ts";
import { applyStanding } from "./posts.ts";

/** Watches a post from `since`, the `seq` of its first page, without gaps. Returns a function that stops it. */
export function watchComments(thread: Thread, since: number): () => void {
  const { post } = thread;
  return watchPost(post, since, {
    frame: (frame) => {
      apply(post, frame);
      if (frame.reread) void thread.refresh();
    },
    gone: () => markGone(post),
  });
}

function apply(post: string, { changed, gone, pinned, seq, likes, comments, commentPolicy }: PostFrame): void {
  applyStanding(post, { seq, likes, comments, commentPolicy });
  for (const id of gone) markGone(id);
  for (const comment of changed) {
    const known = cachedComment(comment.id);
    const cached = cacheComment(post, { ...comment, likedByMe: known?.value.peek().likedByMe ?? false });
    unmarkGone(comment.id);
    if (known) continue;
    const threads = comment.parent ? [parentOf(cached)?.thread] : ORDERS.map((order) => commentsOf(post, order));
    for (const thread of threads) thread?.add(cached);
  }
  for (const comment of commentsUnder(post)) {
    if (comment.value.peek().pinned !== (comment.id === pinned)) comment.change({ pinned: comment.id === pinned });
  }
}
