/** The comments on screen. Each is cached once, so that a change shows in every order and thread it appears in. */
import { computed, type Signal, signal } from "@preact/signals";
import type { Comment, CommentPage } from "../../schema/api/posts.ts";
import { api } from "../api/api.ts";
import { asProblem } from "../api/problem.ts";
import { showToast } from "../browser/toast.ts";
import { isGone, markGoneIfMissing, markGone } from "./gone.ts";
import { isLikeUnderWay, like } from "./likes.ts";
import { List, listsBy } from "./list.ts";
import { readPostAgain } from "./posts.ts";

/** The most cached comments: more than anybody scrolls through. A dropped comment is only read again. */
const COMMENTS_MAX = 1000;

export const ORDERS = ["oldest", "newest", "most_liked"] as const;
export type Order = (typeof ORDERS)[number];

/** The comments on a post, or the replies to one of them. */
export class Thread extends List<CachedComment> {
  /** Comments that are new since the first page was read, however far the list has been read. */
  readonly written = signal<CachedComment[]>([]);
  /** Those of `written` that no page has brought yet. */
  readonly unread = computed(() => {
    const read = new Set(this.items.value);
    return this.written.value.filter((comment) => !read.has(comment) && !isGone(comment.id));
  });

  readonly post: string;
  /** The `seq` of the post when the first page was read. */
  readonly readAt = signal<number | undefined>(undefined);

  constructor(post: string, load: (cursor?: string) => Promise<CommentPage>) {
    const cachePage = async (cursor?: string) => {
      const { items, next, seq } = await load(cursor);
      this.readAt.value ??= seq;
      return { items: items.map((comment) => cacheComment(post, comment)), next };
    };
    // Never fresh: people come back for what was written in the meantime.
    super(cachePage, ({ id }) => id, 0);
    this.post = post;
  }

  /** Adds a new comment, from the response to its author or from a live frame: either may come first. */
  add(comment: CachedComment): void {
    if (!this.written.peek().includes(comment)) this.written.value = [...this.written.peek(), comment];
  }
}

/** A cached comment, with the thread of its replies. */
export class CachedComment {
  readonly post: string;
  readonly id: string;
  readonly value: Signal<Comment>;
  /** Whether its thread is open. */
  readonly open = signal(false);
  readonly thread: Thread;

  constructor(post: string, comment: Comment) {
    this.post = post;
    this.id = comment.id;
    this.value = signal(comment);
    this.thread = new Thread(post, (cursor) => api.replies(post, comment.id, cursor));
  }

  change(change: Partial<Comment>): void {
    this.value.value = { ...this.value.value, ...change };
  }
}

const comments = new Map<string, CachedComment>();

/** Caches a comment, or updates the cached one unless a like of it is under way. */
export function cacheComment(post: string, comment: Comment): CachedComment {
  const cached = comments.get(comment.id);
  if (!cached) {
    const fresh = new CachedComment(post, comment);
    comments.set(comment.id, fresh);
    const [oldest] = comments.keys();
    if (comments.size > COMMENTS_MAX && oldest !== undefined) comments.delete(oldest);
    return fresh;
  }
  if (!isLikeUnderWay(comment.id)) cached.value.value = comment;
  return cached;
}

export const cachedComment = (id: string): CachedComment | undefined => comments.get(id);

export const commentsUnder = (post: string): CachedComment[] =>
  [...comments.values()].filter((comment) => comment.post === post);

export const forgetComments = (): void => comments.clear();

/** The comment that a reply is under; undefined for a comment on the post itself. */
export const parentOf = ({ value }: CachedComment): CachedComment | undefined => comments.get(value.value.parent ?? "");

export const commentsOf = listsBy(
  (post: string, order: Order) => new Thread(post, (cursor) => api.comments(post, order, cursor)),
);

/** Writes a comment into `thread`, or a reply into the thread of the comment `answered`. Throws ApiProblem. */
export async function write(thread: Thread, text: string, answered: CachedComment | undefined): Promise<CachedComment> {
  const { post } = thread;
  const written = await api.comment(post, text, answered?.id);
  const isNews = !comments.has(written.id); // The live frame may have been faster.
  const comment = cacheComment(post, written);
  const parent = parentOf(comment);
  // Into the other orders too: the cached list of the most liked may be a moment old.
  const threads = parent ? [parent.thread] : [thread, ...ORDERS.map((order) => commentsOf(post, order))];
  for (const one of new Set(threads)) one.add(comment);
  if (parent) {
    parent.open.value = true;
    if (isNews) countReply(comment, 1);
  }
  void readPostAgain(post);
  return comment;
}

export async function likeComment(comment: CachedComment, liked: boolean): Promise<void> {
  const { post, id, value } = comment;
  const refused = await like(value, liked, async (target) => {
    const { likes } = await api.likeComment(post, id, target);
    return { likes };
  });
  if (refused) markGoneIfMissing(refused, post, id);
}

export async function editComment(comment: CachedComment, text: string): Promise<void> {
  const { post, id, value } = comment;
  value.value = await settled(comment, api.editComment(post, id, text));
}

export async function deleteComment(comment: CachedComment): Promise<void> {
  await settled(comment, api.deleteComment(comment.post, comment.id));
  if (!comment.value.value.hidden) countReply(comment, -1);
  markGone(comment.id);
  void readPostAgain(comment.post);
}

export async function hideComment(comment: CachedComment, hidden: boolean): Promise<void> {
  const { post, id, value } = comment;
  const before = value.value.hidden;
  value.value = await settled(comment, api.hideComment(post, id, hidden));
  if (before !== hidden) countReply(comment, hidden ? -1 : 1);
  void readPostAgain(post);
}

/** Pins a comment in place of the one pinned before, or unpins it. */
export async function pinComment(comment: CachedComment, pinned: boolean): Promise<void> {
  const { post, id, value } = comment;
  const pinnedOne = await settled(comment, api.pinComment(post, id, pinned));
  for (const other of commentsUnder(post)) other.change({ pinned: false });
  value.value = pinnedOne;
}

/** Awaits a command on a comment. If it was deleted meanwhile, the comment disappears and a toast says why. */
async function settled<T>({ post, id }: CachedComment, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const problem = asProblem(error);
    markGoneIfMissing(problem, post, id);
    if (isGone(id)) showToast(problem.message, "error");
    throw problem;
  }
}

/** Adjusts the parent's count of replies, which as in the API leaves out hidden ones. */
function countReply(reply: CachedComment, change: number): void {
  const parent = parentOf(reply);
  parent?.change({ replies: parent.value.value.replies + change });
}
