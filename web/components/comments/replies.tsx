import { useEffect } from "preact/hooks";
import type { CachedComment } from "../../state/comments.ts";
import { counted } from "../../words/counts.ts";
import { Icon } from "../common/icon.tsx";
import { CommentEntry } from "./comment-entry.tsx";
import type { Conversation } from "./conversation.ts";
import { ThreadEnd } from "./thread-end.tsx";

/** The thread under a comment: a toggle, and the replies while it is open. */
export function Replies({ parent, conversation }: { parent: CachedComment; conversation: Conversation }) {
  const { id, thread, value } = parent;
  const { replies, hiddenReplies, hidden } = value.value;
  const isOpen = parent.open.value;
  const shown = [...thread.items.value, ...thread.unread.value];
  useEffect(() => {
    if (isOpen) thread.open();
  }, [thread, isOpen]);

  if (replies + hiddenReplies === 0 && !(isOpen && shown.length > 0)) return null;
  return (
    <div class="replies">
      <button
        class="quiet-link replies-toggle"
        type="button"
        aria-expanded={isOpen}
        onClick={() => (parent.open.value = !isOpen)}
      >
        <Icon name="down" />
        {counted(replies, "reply", "replies")}
        {hiddenReplies > 0 && `, ${hiddenReplies} hidden`}
      </button>
      {isOpen && (
        <>
          <ol class="comment-list">
            {shown.map((reply) => (
              <CommentEntry key={reply.id} comment={reply} conversation={conversation} isUnderHidden={hidden} />
            ))}
          </ol>
          {thread.state.value === "loading" && shown.length === 0 && (
            <p class="soft" role="status">
              Loading…
            </p>
          )}
          <ThreadEnd thread={thread} parent={id} more="More replies" />
        </>
      )}
    </div>
  );
}
