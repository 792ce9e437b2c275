import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Comment } from "../../schema/api/posts.ts";
import { api } from "../api.ts";
import { COMMENT_MAX, length } from "../limits.ts";
import { session } from "../session.ts";
import { useSubmit } from "./submit.ts";

const TELL_FROM = 100;

/** One line that grows. Enter sends it, Shift and Enter starts a new line. */
export function CommentForm({ post, onWritten }: { post: string; onWritten: (comment: Comment) => void }) {
  const text = useSignal("");
  const id = useId();
  const { path } = useLocation();
  const left = COMMENT_MAX - length(text.value);
  const isSendable = text.value.trim() !== "" && left >= 0;
  const { problem, busy, onSubmit } = useSubmit(async () => {
    if (!isSendable) return;
    onWritten(await api.comment(post, text.value));
    text.value = "";
  });

  if (session.value.state !== "in") {
    return (
      <p class="comment-form soft">
        <span>
          <a href={`/sign-in?then=${encodeURIComponent(path)}`}>Sign in</a> to like and comment.
        </span>
      </p>
    );
  }
  return (
    <form class="comment-form" onSubmit={onSubmit}>
      <div class="comment-line">
        <label class="unseen" for={id}>
          Your comment
        </label>
        <textarea
          id={id}
          name="text"
          rows={1}
          placeholder="Add a comment"
          value={text.value}
          onInput={({ currentTarget }) => (text.value = currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
        <button class="button button-plain" type="submit" disabled={!isSendable || busy}>
          {busy ? "Sending" : "Send"}
        </button>
      </div>
      {left < TELL_FROM && (
        <p class={left < 0 ? "note note-error" : "note"}>{left < 0 ? `${-left} too many` : `${left} left`}</p>
      )}
      <div role="alert">{problem && <p class="form-error">{problem.message}</p>}</div>
    </form>
  );
}
