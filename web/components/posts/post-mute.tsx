import { api } from "../../api/api.ts";
import { useLoad } from "../../api/load.ts";
import { showToast } from "../../browser/toast.ts";
import { FormProblem } from "../controls/form-problem.tsx";
import { Dialog } from "../controls/dialog.tsx";
import { useSubmit } from "../controls/submit.ts";

/** Turns notifications for a post on and off. */
export function PostMuteDialog({ post, close }: { post: string; close: () => void }) {
  const { value } = useLoad(post, () => api.isPostMuted(post));
  const isMuted = value.value?.mutedByMe;
  const { problem, busy, onSubmit } = useSubmit(async () => {
    await api.mutePost(post, !isMuted);
    showToast(isMuted ? "Notifications for this post are on" : "Notifications for this post are off");
    close();
  });
  return (
    <Dialog
      title="Notifications for this post"
      description={
        isMuted
          ? "They’re off. You aren’t notified of likes, comments, replies or mentions."
          : "You’re notified of likes, comments, replies and mentions."
      }
      close={close}
    >
      <form class="dialog-form" onSubmit={onSubmit}>
        <FormProblem problem={problem} />
        <div class="buttons dialog-buttons">
          <button class="button" type="button" onClick={close} autofocus>
            Cancel
          </button>
          <button class="button button-main" type="submit" disabled={busy || isMuted === undefined}>
            {isMuted ? "Turn on" : "Turn off"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
