import { Dialog } from "./dialog.tsx";
import { useSubmit } from "./submit.ts";

type Props = { what: string; says: string; close: () => void; remove: () => Promise<void> };

/** Asks before something is deleted for ever, and `says` what goes with it. */
export function Deletion({ what, says, close, remove }: Props) {
  const { problem, busy, onSubmit } = useSubmit(remove);
  return (
    <Dialog title={`Delete this ${what}?`} says={says} isGrave close={close}>
      <form class="dialog-form" onSubmit={onSubmit}>
        <div role="alert">{problem && <p class="form-error">{problem.message}</p>}</div>
        <div class="buttons dialog-buttons">
          {/* The first, so that it has the focus and a hasty Enter does no harm. */}
          <button class="button" type="button" onClick={close}>
            Keep it
          </button>
          <button class="button button-grave" type="submit" disabled={busy}>
            {busy ? "Deleting" : `Delete ${what}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
