import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { focusSoon } from "../../browser/focus.ts";
import { COMMENT_MAX } from "../../limits.ts";
import { editComment, type CachedComment, likeComment } from "../../state/comments.ts";
import { nameOf } from "../../words/names.ts";
import { Edited } from "../common/edited.tsx";
import { Icon, type IconName } from "../common/icon.tsx";
import { Prose } from "../common/prose.tsx";
import { Time } from "../common/time.tsx";
import { LikeButton, useLike } from "../controls/like-button.tsx";
import { TextEditor } from "../controls/text-editor.tsx";
import { Portrait } from "../people/portrait.tsx";
import { CommentMenu } from "./comment-menu.tsx";
import { COMMENT_TEXT, type Conversation, menuIdOf, elementIdOf } from "./conversation.ts";

type Props = {
  comment: CachedComment;
  conversation: Conversation;
  isUnderHidden?: boolean;
  children?: ComponentChildren;
};

/** A comment or reply with its actions and, under it, its thread. */
export function CommentEntry({ comment, conversation, isUnderHidden = false, children }: Props) {
  const setLiked = useLike((liked) => likeComment(comment, liked));
  const editing = useSignal(false);
  const { author, text, replyTo, likes, pinned, hidden, blocked, createdAt, editedAt } = comment.value.value;
  // A hidden comment takes no likes or replies: nobody else could see them. A block allows neither.
  const isSeen = !hidden && !isUnderHidden && !blocked;
  const stopEditing = () => {
    editing.value = false;
    focusSoon(menuIdOf(comment));
  };

  return (
    <li class={hidden ? "comment comment-hidden" : "comment"} id={elementIdOf(comment)}>
      <a href={`/people/${author.handle}`} tabIndex={-1} aria-hidden="true">
        <Portrait person={author} />
      </a>
      <div class="comment-body">
        {pinned && <Mark icon="pin" text="Pinned" />}
        {blocked && <Mark icon="warning" text="From somebody in a block with you. You see it to moderate it." />}
        {hidden && <Mark icon="hidden" text="Hidden from everyone but you" />}
        <p class="comment-head">
          <a class="byline-name" href={`/people/${author.handle}`}>
            {nameOf(author)}
          </a>{" "}
          <span class="soft">
            <Time at={createdAt} />
            <Edited at={editedAt} />
          </span>
        </p>
        {editing.value ? (
          <TextEditor
            label={replyTo ? "Edit reply" : "Edit comment"}
            text={text}
            max={COMMENT_MAX}
            save={(changed) => editComment(comment, changed)}
            close={stopEditing}
          />
        ) : (
          <p class="prose">
            {replyTo && (
              <>
                <a class="mention" href={`/people/${replyTo.handle}`}>
                  @{replyTo.handle}
                </a>{" "}
              </>
            )}
            <Prose text={text} />
          </p>
        )}
        <div class="comment-actions">
          {isSeen && <LikeButton of={comment.value.value} showsCount={likes > 0} set={setLiked} />}
          {isSeen && conversation.mayWrite && (
            <button
              class="action"
              type="button"
              aria-label={`Reply to ${nameOf(author)}`}
              onClick={() => {
                conversation.replyTo.value = comment;
                document.getElementById(COMMENT_TEXT)?.focus();
              }}
            >
              Reply
            </button>
          )}
          <CommentMenu comment={comment} post={conversation.post} edit={() => (editing.value = true)} />
        </div>
        {children}
      </div>
    </li>
  );
}

const Mark = ({ icon, text }: { icon: IconName; text: string }) => (
  <p class="comment-mark">
    <Icon name={icon} /> {text}
  </p>
);
