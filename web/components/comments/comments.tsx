import { signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { commentsOf, type CachedComment, type Order, ORDERS } from "../../state/comments.ts";
import { watchComments } from "../../state/live-comments.ts";
import type { CachedPost } from "../../state/posts.ts";
import { RowsSkeleton } from "../common/states.tsx";
import { CommentBox } from "./comment-box.tsx";
import { CommentEntry } from "./comment-entry.tsx";
import { COMMENTS_TITLE, elementIdOf } from "./conversation.ts";
import { useMayWrite } from "./may-write.ts";
import { Replies } from "./replies.tsx";
import { ThreadEnd } from "./thread-end.tsx";

const ORDER_NAMES: Record<Order, string> = { oldest: "Oldest first", newest: "Newest first", most_liked: "Most liked" };

/** The chosen order, which carries over from one post to the next. */
const order = signal<Order>("oldest");

/** The pinned comment, then the others in the chosen order. Comments just written appear where the newest do. */
export function Comments({ post }: { post: CachedPost }) {
  const { id, comments: total } = post.value;
  const thread = useMemo(() => commentsOf(id, order.value), [id, order.value]);
  const replyTo = useSignal<CachedComment | undefined>(undefined);
  const text = useSignal("");
  const latest = useSignal<CachedComment | undefined>(undefined);
  const mayWrite = useMayWrite(post);
  const readAt = thread.readAt.value;
  useEffect(() => thread.open(), [thread]);
  useEffect(() => (readAt === undefined ? undefined : watchComments(thread, readAt)), [thread, readAt]);
  useEffect(() => {
    if (latest.value) document.getElementById(elementIdOf(latest.value))?.scrollIntoView({ block: "nearest" });
  }, [latest.value]);

  const state = thread.state.value;
  const read = thread.items.value;
  const written = thread.unread.value;
  const pinned = [...read, ...written].filter(({ value }) => value.value.pinned);
  const rest = sorted(read.filter((comment) => !pinned.includes(comment)));
  const own = written.filter((comment) => !pinned.includes(comment));
  const isNewestFirst = order.value === "newest";
  const conversation = { post, mayWrite: mayWrite === "yes", replyTo };
  // All in one keyed list, so that a comment that moves keeps its open thread and whatever is typed in it.
  const entries = (comments: CachedComment[]) =>
    comments.map((comment) => (
      <CommentEntry key={comment.id} comment={comment} conversation={conversation}>
        <Replies parent={comment} conversation={conversation} />
      </CommentEntry>
    ));
  return (
    <section class="comments" aria-labelledby={COMMENTS_TITLE}>
      <div class="comments-head">
        <h2 id={COMMENTS_TITLE} tabIndex={-1}>
          Comments
        </h2>
        {total > 1 && <OrderChoice />}
      </div>
      <ol class="comment-list">
        {[
          ...entries(pinned),
          ...(isNewestFirst ? entries(own.toReversed()) : []),
          ...entries(rest),
          <li key="end" role="presentation">
            <ThreadEnd thread={thread} more="More comments" />
          </li>,
          ...(isNewestFirst ? [] : entries(own)),
        ]}
      </ol>
      {state === "loading" && read.length === 0 && <RowsSkeleton rows={2} />}
      {state === "whole" && read.length + own.length === 0 && (
        <p class="soft">No comments yet.{mayWrite === "yes" && " Be the first."}</p>
      )}
      <p class="unseen" role="status">
        {latest.value && (latest.value.value.peek().parent ? "Reply added" : "Comment added")}
      </p>
      <CommentBox
        conversation={conversation}
        mayWrite={mayWrite}
        thread={thread}
        text={text}
        onWritten={(comment) => (latest.value = comment)}
      />
    </section>
  );
}

const OrderChoice = () => (
  <label class="order">
    <span class="unseen">Sort comments</span>
    <select value={order.value} onChange={({ currentTarget }) => (order.value = currentTarget.value as Order)}>
      {ORDERS.map((name) => (
        <option key={name} value={name}>
          {ORDER_NAMES[name]}
        </option>
      ))}
    </select>
  </label>
);

/** Sorts by id, which is the order of time, so that an unpinned comment returns to its place. */
function sorted(comments: CachedComment[]): CachedComment[] {
  if (order.value === "most_liked") return comments;
  const oldestFirst = comments.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return order.value === "newest" ? oldestFirst.toReversed() : oldestFirst;
}
