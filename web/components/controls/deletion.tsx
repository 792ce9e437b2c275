import { Dialog } from "./dialog.tsx";
import { useSubmit } from "./submit.ts";

type Props = { what: string; description: string; close: () => void; remove: () => Promise<void> };

/** Asks before something is deleted for good. `description` says what goes with it. */
export function Deletion({ what, description, close, remove }: Props) {
  const { problem, busy, onSubmit } = useSubmit(remove);
  return (
    <Dialog title={`Delete this ${what}?`} description={description} isDestructive close={close}>
      <form class="dialog-form" onSubmit={onSubmit}>
        <div role="alert">{problem && <p class="form-error">{problem.message}</p>}</div>
        <div class="buttons dialog-buttons">
          {/* First, so that it has the focus and a hasty Enter does no harm. */}
          <button class="button" type="button" onClick={close}>
            Cancel
          </button>
          <button class="button button-danger" type="submit" disabled={busy}>
            {busy ? "Deleting…" : `Delete ${what}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
