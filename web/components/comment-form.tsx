import type { Signal } from "@preact/signals";
import type { Post } from "../../schema/api/posts.ts";
import { type KeptComment, type Thread, write } from "../comments.ts";
import { learnFollows } from "../follows.ts";
import { isGone, learnGone } from "../gone.ts";
import { COMMENT_MAX, length } from "../limits.ts";
import { readPostAgain } from "../posts.ts";
import { type ApiProblem, asProblem } from "../problem.ts";
import { me } from "../session.ts";
import { COMMENT_TEXT, type Conversation } from "./conversation.ts";
import { Icon } from "./icon.tsx";
import { nameOf } from "./monogram.tsx";
import { useSubmit } from "./submit.ts";

const TELL_FROM = 100;

/** What the author of a post that not everybody may comment on should know while they write there. */
const SHUT: Record<Post["commentPolicy"], string | undefined> = {
  everyone: undefined,
  followers: "Only your followers can comment here.",
  off: "Comments are off: only you can write here.",
};

type Props = {
  conversation: Conversation;
  thread: Thread;
  /** Kept by the page, so that it is there again when the form was not for a while. */
  text: Signal<string>;
  onWritten: (comment: KeptComment) => void;
};

/** One line that grows. Enter sends it, Shift and Enter starts a new line, Escape answers nobody. */
export function CommentForm({ conversation: { post, answered }, thread, text, onWritten }: Props) {
  const { id, author, commentPolicy } = post.value;
  const to = answered.value && !isGone(answered.value.id) ? answered.value : undefined;
  const label = to ? `Your reply to ${nameOf(to.value.value.author)}` : "Your comment";
  const left = COMMENT_MAX - length(text.value);
  const isSendable = text.value.trim() !== "" && left >= 0;
  const note = author.id === me.value?.id ? SHUT[commentPolicy] : undefined;
  const stop = () => (answered.value = undefined);

  const { problem, busy, onSubmit } = useSubmit(async () => {
    if (!isSendable) return;
    try {
      onWritten(await write(thread, text.value, to));
      text.value = "";
      stop();
    } catch (error) {
      learn(asProblem(error));
      throw error;
    }
  });

  /** The author may have shut the comments, or deleted something, while this was being written. */
  const learn = (refused: ApiProblem) => {
    learnGone(refused, id, to?.id);
    if (refused.code === "followers_only") learnFollows([author.handle], "none");
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
            <span class="unseen">Do not reply</span>
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
        {/* Not `disabled`, which would take the focus away from it. */}
        <button class="button button-plain" type="submit" aria-disabled={!isSendable || busy}>
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
