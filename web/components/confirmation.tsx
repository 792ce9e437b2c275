import { Dialog } from "./dialog.tsx";
import { useSubmit } from "./submit.ts";

type Props = { title: string; says: string; does: string; close: () => void; act: () => Promise<void> };

/** Asks before something is done, and `says` what follows from it. */
export function Confirmation({ title, says, does, close, act }: Props) {
  const { problem, busy, onSubmit } = useSubmit(act);
  return (
    <Dialog title={title} says={says} close={close}>
      <form class="dialog-form" onSubmit={onSubmit}>
        <div role="alert">{problem && <p class="form-error">{problem.message}</p>}</div>
        <div class="buttons dialog-buttons">
          {/* The first, so that it has the focus and a hasty Enter does no harm. */}
          <button class="button" type="button" onClick={close}>
            Cancel
          </button>
          <button class="button button-main" type="submit" disabled={busy}>
            {does}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
