import { signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { commentsOf, type KeptComment, type Order, ORDERS } from "../comments.ts";
import { watchComments } from "../live-comments.ts";
import type { KeptPost } from "../posts.ts";
import { CommentBox } from "./comment-box.tsx";
import { CommentEntry } from "./comment-entry.tsx";
import { COMMENTS_TITLE, placeOf } from "./conversation.ts";
import { useMayWrite } from "./may-write.ts";
import { Replies } from "./replies.tsx";
import { RowsSkeleton } from "./states.tsx";
import { ThreadEnd } from "./thread-end.tsx";

const ORDER_NAMES: Record<Order, string> = { oldest: "Oldest first", newest: "Newest first", most_liked: "Most liked" };

/** Stays from one post to the next. */
const order = signal<Order>("oldest");

/** The pinned one, then the others in the chosen order. What was just written stands where the newest do. */
export function Comments({ post }: { post: KeptPost }) {
  const { id, comments: total } = post.value;
  const thread = useMemo(() => commentsOf(id, order.value), [id, order.value]);
  const answered = useSignal<KeptComment | undefined>(undefined);
  const text = useSignal("");
  const latest = useSignal<KeptComment | undefined>(undefined);
  const mayWrite = useMayWrite(post);
  const readAt = thread.readAt.value;
  useEffect(() => thread.open(), [thread]);
  useEffect(() => (readAt === undefined ? undefined : watchComments(thread, readAt)), [thread, readAt]);
  useEffect(() => {
    if (latest.value) document.getElementById(placeOf(latest.value))?.scrollIntoView({ block: "nearest" });
  }, [latest.value]);

  const state = thread.state.value;
  const read = thread.items.value;
  const written = thread.unread.value;
  const pinned = [...read, ...written].filter(({ value }) => value.value.pinned);
  const rest = arranged(read.filter((comment) => !pinned.includes(comment)));
  const own = written.filter((comment) => !pinned.includes(comment));
  const isNewestFirst = order.value === "newest";
  const conversation = { post, mayWrite: mayWrite === "yes", answered };
  // All in one list, so that one that moves in it keeps what is open or typed there.
  const entries = (comments: KeptComment[]) =>
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
        <p class="soft">No comments yet.{mayWrite === "yes" && " Say what you see."}</p>
      )}
      <p class="unseen" role="status">
        {latest.value && (latest.value.value.peek().parent ? "Your reply is there" : "Your comment is there")}
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
    <span class="unseen">Order of the comments</span>
    <select value={order.value} onChange={({ currentTarget }) => (order.value = currentTarget.value as Order)}>
      {ORDERS.map((name) => (
        <option key={name} value={name}>
          {ORDER_NAMES[name]}
        </option>
      ))}
    </select>
  </label>
);

/** One that is pinned no longer goes back to its place: ids are in the order of time. */
function arranged(comments: KeptComment[]): KeptComment[] {
  if (order.value === "most_liked") return comments;
  const sorted = comments.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return order.value === "newest" ? sorted.toReversed() : sorted;
}
