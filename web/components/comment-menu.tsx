import { useSignal } from "@preact/signals";
import { deleteComment, hideComment, type KeptComment, pinComment } from "../comments.ts";
import { focusSoon } from "../focus.ts";
import type { KeptPost } from "../posts.ts";
import { asProblem } from "../problem.ts";
import { me } from "../session.ts";
import { tell } from "../toast.ts";
import { counted } from "../words.ts";
import { COMMENTS_TITLE, menuOf } from "./conversation.ts";
import { Deletion } from "./deletion.tsx";
import { Menu, type MenuItem } from "./menu.tsx";
import { nameOf } from "./monogram.tsx";

/** For who wrote the comment, and for the author of the post. */
export function CommentMenu({ comment, post, edit }: { comment: KeptComment; post: KeptPost; edit: () => void }) {
  const isAsking = useSignal(false);
  const { author, parent, pinned, hidden, replies } = comment.value.value;
  const isOwn = me.value?.id === author.id;
  const isHost = me.value?.id === post.value.author.id;
  if (!isOwn && !isHost) return null;

  const run = async (command: Promise<void>, done: string) => {
    try {
      await command;
      tell(done);
      // A comment that is pinned moves, and the focus would stay behind.
      focusSoon(menuOf(comment));
    } catch (error) {
      tell(asProblem(error).message, "error");
    }
  };
  const pin = () => void run(pinComment(comment, !pinned), pinned ? "No longer pinned" : "Pinned above the others");
  const hide = () =>
    void run(hideComment(comment, !hidden), hidden ? "Everybody sees it again" : "Hidden from everybody else");

  const remove = async () => {
    await deleteComment(comment);
    tell("Deleted");
    focusSoon(COMMENTS_TITLE);
  };

  const items: MenuItem[] = [
    ...(isOwn ? [{ label: "Edit", act: edit }] : []),
    ...(isHost && !parent && !hidden ? [{ label: pinned ? "Unpin" : "Pin", act: pin }] : []),
    ...(isHost && (hidden || !isOwn) ? [{ label: hidden ? "Show again" : "Hide", act: hide }] : []),
    { label: "Delete", act: () => (isAsking.value = true), isGrave: true },
  ];
  return (
    <>
      <Menu id={menuOf(comment)} label={`More about the comment by ${nameOf(author)}`} items={items} />
      {isAsking.value && (
        <Deletion
          what={parent ? "reply" : "comment"}
          says={[
            "It disappears for everybody",
            replies > 0 ? `, with ${counted(replies, "reply", "replies")} to it` : "",
            ", and nothing brings it back.",
            isOwn || hidden ? "" : " To keep others from seeing it for now, hide it instead.",
          ].join("")}
          close={() => (isAsking.value = false)}
          remove={remove}
        />
      )}
    </>
  );
}
