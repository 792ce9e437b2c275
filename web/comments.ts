/** The comments on screen, each kept once, so that a change shows in every order and thread that it stands in. */
import { computed, type Signal, signal } from "@preact/signals";
import type { Comment, CommentPage } from "../schema/api/posts.ts";
import { api } from "./api.ts";
import { isGone, learnGone, markGone } from "./gone.ts";
import { isLikeUnderWay, like } from "./likes.ts";
import { List, listsBy } from "./list.ts";
import { readPostAgain } from "./posts.ts";
import { asProblem } from "./problem.ts";
import { tell } from "./toast.ts";

/** More than anybody scrolls through; one that is dropped is only read again. */
const COMMENTS_MAX = 1000;

export const ORDERS = ["oldest", "newest", "most_liked"] as const;
export type Order = (typeof ORDERS)[number];

/** The comments on a post, or the replies to one of them. */
export class Thread extends List<KeptComment> {
  /** What was just written here, wherever the reading has come to. */
  readonly written = signal<KeptComment[]>([]);
  readonly unread = computed(() => {
    const read = new Set(this.items.value);
    return this.written.value.filter((comment) => !read.has(comment) && !isGone(comment.id));
  });

  readonly post: string;
  /** The `seq` of the post that the first page was read at. */
  readonly readAt = signal<number | undefined>(undefined);

  constructor(post: string, load: (cursor?: string) => Promise<CommentPage>) {
    const keepPage = async (cursor?: string) => {
      const { items, next, seq } = await load(cursor);
      this.readAt.value ??= seq;
      return { items: items.map((comment) => keepComment(post, comment)), next };
    };
    // Never fresh: what was said in the meantime is what one comes back for.
    super(keepPage, ({ id }) => id, 0);
    this.post = post;
  }

  /** A comment that is new. It comes from the answer to who wrote it, and as live news. */
  add(comment: KeptComment): void {
    if (!this.written.peek().includes(comment)) this.written.value = [...this.written.peek(), comment];
  }
}

export class KeptComment {
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

const comments = new Map<string, KeptComment>();

export function keepComment(post: string, comment: Comment): KeptComment {
  const kept = comments.get(comment.id);
  if (!kept) {
    const fresh = new KeptComment(post, comment);
    comments.set(comment.id, fresh);
    const [oldest] = comments.keys();
    if (comments.size > COMMENTS_MAX && oldest !== undefined) comments.delete(oldest);
    return fresh;
  }
  if (!isLikeUnderWay(comment.id)) kept.value.value = comment;
  return kept;
}

export const knownComment = (id: string): KeptComment | undefined => comments.get(id);

export const commentsUnder = (post: string): KeptComment[] =>
  [...comments.values()].filter((comment) => comment.post === post);

export const forgetComments = (): void => comments.clear();

/** What replies stand under; undefined of a comment on the post itself. */
export const parentOf = ({ value }: KeptComment): KeptComment | undefined => comments.get(value.value.parent ?? "");

export const commentsOf = listsBy(
  (post: string, order: Order) => new Thread(post, (cursor) => api.comments(post, order, cursor)),
);

/** Into `thread`, or into the one that what is answered stands in. */
export async function write(thread: Thread, text: string, answered: KeptComment | undefined): Promise<KeptComment> {
  const { post } = thread;
  const answer = await api.comment(post, text, answered?.id);
  const isNews = !comments.has(answer.id); // The live post may have been faster.
  const comment = keepComment(post, answer);
  const parent = parentOf(comment);
  // In the other orders too, because that of the most liked may be read from a moment ago.
  const threads = parent ? [parent.thread] : [thread, ...ORDERS.map((order) => commentsOf(post, order))];
  for (const one of new Set(threads)) one.add(comment);
  if (parent) {
    parent.open.value = true;
    if (isNews) countReply(comment, 1);
  }
  void readPostAgain(post);
  return comment;
}

export async function likeComment(comment: KeptComment, liked: boolean): Promise<void> {
  const { post, id, value } = comment;
  const refused = await like(value, liked, async (target) => {
    const { likes } = await api.likeComment(post, id, target);
    return { likes };
  });
  if (refused) learnGone(refused, post, id);
}

export async function editComment(comment: KeptComment, text: string): Promise<void> {
  const { post, id, value } = comment;
  value.value = await known(comment, api.editComment(post, id, text));
}

export async function deleteComment(comment: KeptComment): Promise<void> {
  await known(comment, api.deleteComment(comment.post, comment.id));
  if (!comment.value.value.hidden) countReply(comment, -1);
  markGone(comment.id);
  void readPostAgain(comment.post);
}

export async function hideComment(comment: KeptComment, hidden: boolean): Promise<void> {
  const { post, id, value } = comment;
  const before = value.value.hidden;
  value.value = await known(comment, api.hideComment(post, id, hidden));
  if (before !== hidden) countReply(comment, hidden ? -1 : 1);
  void readPostAgain(post);
}

/** In place of the one that was. */
export async function pinComment(comment: KeptComment, pinned: boolean): Promise<void> {
  const { post, id, value } = comment;
  const answer = await known(comment, api.pinComment(post, id, pinned));
  for (const other of commentsUnder(post)) other.change({ pinned: false });
  value.value = answer;
}

/** The answer to a command. Somebody else may have been faster: then the comment disappears, and it is said why. */
async function known<T>({ post, id }: KeptComment, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const problem = asProblem(error);
    learnGone(problem, post, id);
    if (isGone(id)) tell(problem.message, "error");
    throw problem;
  }
}

/** As the API counts: those that everybody sees. */
function countReply(reply: KeptComment, change: number): void {
  const parent = parentOf(reply);
  parent?.change({ replies: parent.value.value.replies + change });
}
