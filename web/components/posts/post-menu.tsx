import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { showToast } from "../../browser/toast.ts";
import { deletePost, type CachedPost } from "../../state/posts.ts";
import { albumInWords } from "../../words/album.ts";
import { counted, listed } from "../../words/counts.ts";
import { Deletion } from "../controls/deletion.tsx";
import { Menu } from "../controls/menu.tsx";
import { CommentPolicyDialog } from "./comment-policy.tsx";
import { EarlierCaptions } from "./earlier-captions.tsx";
import { PostMuteDialog } from "./post-mute.tsx";

export const POST_MENU = "post-menu";

/** An author's commands on their own post. */
export function PostMenu({ post, editCaption }: { post: CachedPost; editCaption: () => void }) {
  const { route } = useLocation();
  const shown = useSignal<"policy" | "captions" | "mute" | "deletion" | undefined>(undefined);
  const { id, author, editedAt } = post.value;
  const close = () => (shown.value = undefined);

  const remove = async () => {
    await deletePost(id);
    // Replaces the deleted post's page, so that the back button does not lead to it.
    route(`/people/${author.handle}`, true);
    showToast("Post deleted");
  };

  return (
    <>
      <Menu
        id={POST_MENU}
        label="More about this post"
        items={[
          { label: "Edit caption", act: editCaption },
          { label: "Who can comment", act: () => (shown.value = "policy") },
          ...(editedAt === undefined ? [] : [{ label: "Earlier captions", act: () => (shown.value = "captions") }]),
          { label: "Notifications", act: () => (shown.value = "mute") },
          { label: "Delete post", act: () => (shown.value = "deletion"), isDestructive: true },
        ]}
      />
      {shown.value === "policy" && <CommentPolicyDialog post={post} close={close} />}
      {shown.value === "captions" && <EarlierCaptions post={id} close={close} />}
      {shown.value === "mute" && <PostMuteDialog post={id} close={close} />}
      {shown.value === "deletion" && <Deletion what="post" description={losses(post)} close={close} remove={remove} />}
    </>
  );
}

/** What deleting a post takes with it, in words. */
function losses({ value: { media, likes, comments } }: CachedPost): string {
  const parts = [
    media.length === 1 ? `Its ${media[0]?.video ? "video" : "photo"}` : `Its ${albumInWords(media)}`,
    "its caption",
    ...(likes > 0 ? [counted(likes, "like")] : []),
    ...(comments > 0 ? [counted(comments, "comment")] : []),
  ];
  return `${listed(parts)} will be deleted for everyone. This can’t be undone.`;
}
