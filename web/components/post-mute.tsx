import { api } from "../api.ts";
import { useLoad } from "../load.ts";
import { tell } from "../toast.ts";
import { Dialog } from "./dialog.tsx";
import { useSubmit } from "./submit.ts";

/** Whether one wants to hear of what others do with a post. */
export function PostMuteDialog({ post, close }: { post: string; close: () => void }) {
  const { value } = useLoad(post, () => api.isPostMuted(post));
  const isMuted = value.value?.mutedByMe;
  const { problem, busy, onSubmit } = useSubmit(async () => {
    await api.mutePost(post, !isMuted);
    tell(isMuted ? "You are told of this post again" : "You are told no more of this post");
    close();
  });
  return (
    <Dialog
      title="Notifications of this post"
      says={
        isMuted
          ? "You are told nothing of its likes, comments, replies and mentions."
          : "You are told of its likes, comments, replies and mentions."
      }
      close={close}
    >
      <form class="dialog-form" onSubmit={onSubmit}>
        <div role="alert">{problem && <p class="form-error">{problem.message}</p>}</div>
        <div class="buttons dialog-buttons">
          <button class="button" type="button" onClick={close} autofocus>
            Cancel
          </button>
          <button class="button button-main" type="submit" disabled={busy || isMuted === undefined}>
            {isMuted ? "Tell me again" : "Tell me no more"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
