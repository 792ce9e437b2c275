import type { Signal } from "@preact/signals";
import type { Post } from "../../../schema/api/posts.ts";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { COMMENT_MAX, length } from "../../limits.ts";
import { type CachedComment, type Thread, write } from "../../state/comments.ts";
import { setFollowStates } from "../../state/follows.ts";
import { isGone, markGoneIfMissing } from "../../state/gone.ts";
import { readPostAgain } from "../../state/posts.ts";
import { me } from "../../state/session.ts";
import { nameOf } from "../../words/names.ts";
import { Icon } from "../common/icon.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { useSubmit } from "../controls/submit.ts";
import { COMMENT_TEXT, type Conversation } from "./conversation.ts";

/** The number of characters left is shown below this many. */
const COUNT_BELOW = 100;

/** Reminds the author of a post, while they comment, that not everyone can answer. */
const AUTHOR_NOTES: Record<Post["commentPolicy"], string | undefined> = {
  everyone: undefined,
  followers: "Only your followers can comment here.",
  off: "Comments are off. Only you can comment.",
};

type Props = {
  conversation: Conversation;
  thread: Thread;
  /** Owned by the page, so that the draft survives while the form is not shown. */
  text: Signal<string>;
  onWritten: (comment: CachedComment) => void;
};

/** A line that grows. Enter sends it, Shift+Enter starts a new line, and Escape cancels the reply. */
export function CommentForm({ conversation: { post, replyTo }, thread, text, onWritten }: Props) {
  const { id, author, commentPolicy } = post.value;
  const to = replyTo.value && !isGone(replyTo.value.id) ? replyTo.value : undefined;
  const label = to ? `Your reply to ${nameOf(to.value.value.author)}` : "Your comment";
  const left = COMMENT_MAX - length(text.value);
  const isSendable = text.value.trim() !== "" && left >= 0;
  const note = author.id === me.value?.id ? AUTHOR_NOTES[commentPolicy] : undefined;
  const stop = () => (replyTo.value = undefined);

  const { problem, busy, onSubmit } = useSubmit(async () => {
    if (!isSendable) return;
    try {
      onWritten(await write(thread, text.value, to));
      text.value = "";
      stop();
    } catch (error) {
      applyRefusal(asProblem(error));
      throw error;
    }
  });

  /** Applies what a refusal reveals: in the meantime comments may have been restricted, or something deleted. */
  const applyRefusal = (refused: ApiProblem) => {
    markGoneIfMissing(refused, id, to?.id);
    if (refused.code === "followers_only") setFollowStates([author.handle], "none");
    if (refused.code === "followers_only" || refused.code === "comments_off") void readPostAgain(id);
  };

  return (
    <form class="comment-form" onSubmit={onSubmit}>
      {note && <p class="note">{note}</p>}
      {to && (
        <p class="answering">
          <span>
            Replying to <b>{nameOf(to.value.value.author)}</b>
          </span>
          <button class="icon-button" type="button" onClick={stop}>
            <Icon name="close" />
            <span class="unseen">Cancel reply</span>
          </button>
        </p>
      )}
      <div class="comment-line">
        <label class="unseen" for={COMMENT_TEXT}>
          {label}
        </label>
        <textarea
          id={COMMENT_TEXT}
          name="text"
          rows={1}
          placeholder={to ? "Add a reply" : "Add a comment"}
          value={text.value}
          onInput={({ currentTarget }) => (text.value = currentTarget.value)}
          onKeyDown={(event) => {
            if (event.isComposing) return;
            if (event.key === "Escape") stop();
            if (event.key !== "Enter" || event.shiftKey) return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
        {/* Not `disabled`, which would drop the focus. */}
        <button class="button button-plain" type="submit" aria-disabled={!isSendable || busy}>
          {busy ? "Sending…" : "Send"}
        </button>
      </div>
      {left < COUNT_BELOW && (
        <p class={left < 0 ? "note note-error" : "note"}>{left < 0 ? `${-left} over the limit` : `${left} left`}</p>
      )}
      <FormProblem problem={problem} />
    </form>
  );
}
