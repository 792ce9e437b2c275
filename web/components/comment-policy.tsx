import type { Post } from "../../schema/api/posts.ts";
import { editPost, type KeptPost } from "../posts.ts";
import { tell } from "../toast.ts";
import { Dialog } from "./dialog.tsx";
import { typed, useSubmit } from "./submit.ts";

type Policy = Post["commentPolicy"];

const POLICIES: Record<Policy, { name: string; says: string }> = {
  everyone: { name: "Everyone", says: "Everybody who is signed in" },
  followers: { name: "Followers", says: "People who follow you" },
  off: { name: "Nobody", says: "Only you can still write" },
};

export function CommentPolicyDialog({ post, close }: { post: KeptPost; close: () => void }) {
  const { id, commentPolicy } = post.value;
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    const chosen = typed(form, "policy") as Policy;
    if (chosen !== commentPolicy) {
      await editPost(id, { commentPolicy: chosen });
      tell("Saved");
    }
    close();
  });
  return (
    <Dialog title="Who may comment" says="What has been said stays, whatever you choose." close={close}>
      <form class="dialog-form" onSubmit={onSubmit}>
        <div class="options" role="radiogroup" aria-label="Who may comment">
          {Object.entries(POLICIES).map(([policy, { name, says }]) => (
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
                <span class="note">{says}</span>
              </span>
            </label>
          ))}
        </div>
        <div role="alert">{problem && <p class="form-error">{problem.message}</p>}</div>
        <div class="buttons dialog-buttons">
          <button class="button" type="button" onClick={close}>
            Cancel
          </button>
          <button class="button button-main" type="submit" disabled={busy}>
            {busy ? "Saving" : "Save"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
