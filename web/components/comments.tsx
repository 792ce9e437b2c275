import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Comment } from "../../schema/api/posts.ts";
import { commentsOf } from "../lists.ts";
import type { KeptPost } from "../posts.ts";
import { CommentForm } from "./comment-form.tsx";
import { Monogram, nameOf } from "./monogram.tsx";
import { Prose } from "./prose.tsx";
import { Failure, RowsSkeleton } from "./states.tsx";
import { Time } from "./time.tsx";

/** Oldest first, as they were said. What was just written stands at the end, wherever the reading has come to. */
export function Comments({ id, post }: { id: string; post: KeptPost }) {
  const list = useMemo(() => commentsOf(id), [id]);
  const written = useSignal<Comment[]>([]);
  useEffect(() => list.open(), [list]);

  const state = list.state.value;
  const read = list.items.value;
  const ids = new Set(read.map(({ id }) => id));
  const own = written.value.filter(({ id }) => !ids.has(id));
  const problem = list.problem.value;

  const add = (comment: Comment) => {
    written.value = [...written.value, comment];
    post.value = { ...post.value, comments: post.value.comments + 1 };
  };

  return (
    <section class="comments" aria-label="Comments">
      <ol class="comment-list">
        {read.map((comment) => (
          <Entry key={comment.id} comment={comment} />
        ))}
      </ol>
      {state === "loading" && read.length === 0 && <RowsSkeleton rows={2} />}
      {state === "partial" && list.started && (
        <button class="quiet-link" type="button" onClick={() => void list.more()}>
          More comments
        </button>
      )}
      {state === "loading" && read.length > 0 && <p class="soft">Loading</p>}
      {state === "failed" && problem && <Failure problem={problem} retry={() => void list.more()} />}
      {state === "whole" && read.length + own.length === 0 && <p class="soft">No comments yet. Say what you see.</p>}
      <ol class="comment-list" aria-live="polite">
        {own.map((comment) => (
          <Entry key={comment.id} comment={comment} />
        ))}
      </ol>
      <CommentForm post={id} onWritten={add} />
    </section>
  );
}

const Entry = ({ comment }: { comment: Comment }) => (
  <li class="comment">
    <a href={`/people/${comment.author.handle}`} tabIndex={-1} aria-hidden="true">
      <Monogram person={comment.author} />
    </a>
    <div>
      <p class="comment-head">
        <a class="byline-name" href={`/people/${comment.author.handle}`}>
          {nameOf(comment.author)}
        </a>{" "}
        <span class="soft">
          <Time at={comment.createdAt} />
        </span>
      </p>
      <p class="prose">
        <Prose text={comment.text} />
      </p>
    </div>
  </li>
);
