import { useSignal } from "@preact/signals";
import { asProblem } from "../../api/problem.ts";
import { focusSoon } from "../../browser/focus.ts";
import { showToast } from "../../browser/toast.ts";
import { deleteComment, hideComment, type CachedComment, pinComment } from "../../state/comments.ts";
import type { CachedPost } from "../../state/posts.ts";
import { me } from "../../state/session.ts";
import { counted } from "../../words/counts.ts";
import { nameOf } from "../../words/names.ts";
import { Deletion } from "../controls/deletion.tsx";
import { Menu, type MenuItem } from "../controls/menu.tsx";
import { ReportDialog } from "../reports/report-dialog.tsx";
import { COMMENTS_TITLE, menuIdOf } from "./conversation.ts";

/** The commands on a comment: most are for its author and the author of the post; anyone else can report it. */
export function CommentMenu({ comment, post, edit }: { comment: CachedComment; post: CachedPost; edit: () => void }) {
  const isConfirming = useSignal(false);
  const isReporting = useSignal(false);
  const { author, parent, pinned, hidden, replies } = comment.value.value;
  const isOwn = me.value?.id === author.id;
  const isPostAuthor = me.value?.id === post.value.author.id;
  if (!me.value) return null;

  const run = async (command: Promise<void>, done: string) => {
    try {
      await command;
      showToast(done);
      // A comment that was pinned has moved, and the focus must follow it.
      focusSoon(menuIdOf(comment));
    } catch (error) {
      showToast(asProblem(error).message, "error");
    }
  };
  const pin = () => void run(pinComment(comment, !pinned), pinned ? "Unpinned" : "Pinned to the top");
  const hide = () =>
    void run(hideComment(comment, !hidden), hidden ? "Visible to everyone again" : "Hidden from everyone else");

  const remove = async () => {
    await deleteComment(comment);
    showToast("Deleted");
    focusSoon(COMMENTS_TITLE);
  };

  const items: MenuItem[] = [
    ...(isOwn ? [{ label: "Edit", act: edit }] : []),
    ...(isPostAuthor && !parent && !hidden ? [{ label: pinned ? "Unpin" : "Pin", act: pin }] : []),
    ...(isPostAuthor && (hidden || !isOwn) ? [{ label: hidden ? "Unhide" : "Hide", act: hide }] : []),
    ...(isOwn ? [] : [{ label: "Report", act: () => (isReporting.value = true) }]),
    ...(isOwn || isPostAuthor
      ? [{ label: "Delete", act: () => (isConfirming.value = true), isDestructive: true }]
      : []),
  ];
  return (
    <>
      <Menu id={menuIdOf(comment)} label={`More about the comment by ${nameOf(author)}`} items={items} />
      {isReporting.value && (
        <ReportDialog
          what="this comment"
          subject={{ post: post.value.id, comment: comment.value.value.id }}
          close={() => (isReporting.value = false)}
        />
      )}
      {isConfirming.value && (
        <Deletion
          what={parent ? "reply" : "comment"}
          description={[
            "This deletes it for everyone",
            replies > 0 ? `, along with ${counted(replies, "reply", "replies")}` : "",
            ". It can’t be undone.",
            isOwn || hidden ? "" : " If you only want others not to see it, hide it instead.",
          ].join("")}
          close={() => (isConfirming.value = false)}
          remove={remove}
        />
      )}
    </>
  );
}
