import type { Post } from "../../../schema/api/posts.ts";
import { showToast } from "../../browser/toast.ts";
import { editPost, type CachedPost } from "../../state/posts.ts";
import { DialogButtons } from "../controls/dialog-buttons.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { Dialog } from "../controls/dialog.tsx";
import { typed, useSubmit } from "../controls/submit.ts";

type Policy = Post["commentPolicy"];

const POLICIES: Record<Policy, { name: string; note: string }> = {
  everyone: { name: "Everyone", note: "Anyone who is signed in" },
  followers: { name: "Followers", note: "People who follow you" },
  off: { name: "No one", note: "Only you can still comment" },
};

/** Lets the author of a post choose who can comment on it. */
export function CommentPolicyDialog({ post, close }: { post: CachedPost; close: () => void }) {
  const { id, commentPolicy } = post.value;
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    const chosen = typed(form, "policy") as Policy;
    if (chosen !== commentPolicy) {
      await editPost(id, { commentPolicy: chosen });
      showToast("Saved");
    }
    close();
  });
  return (
    <Dialog title="Who can comment" description="Existing comments stay, whatever you choose." close={close}>
      <form class="dialog-form" onSubmit={onSubmit}>
        <div class="options" role="radiogroup" aria-label="Who can comment">
          {Object.entries(POLICIES).map(([policy, { name, note }]) => (
            <label class="option" key={policy}>
              <input
                type="radio"
                name="policy"
                value={policy}
                defaultChecked={policy === commentPolicy}
                autofocus={policy === commentPolicy}
              />
              <span>
                {name}
                <span class="note">{note}</span>
              </span>
            </label>
          ))}
        </div>
        <FormProblem problem={problem} />
        <DialogButtons close={close} action={busy ? "Saving…" : "Save"} disabled={busy} />
      </form>
    </Dialog>
  );
}
