import { Dialog } from "./dialog.tsx";
import { useSubmit } from "./submit.ts";

type Props = { title: string; description: string; action: string; close: () => void; act: () => Promise<void> };

/** Asks before something is done. `description` says what follows from it. */
export function Confirmation({ title, description, action, close, act }: Props) {
  const { problem, busy, onSubmit } = useSubmit(act);
  return (
    <Dialog title={title} description={description} close={close}>
      <form class="dialog-form" onSubmit={onSubmit}>
        <div role="alert">{problem && <p class="form-error">{problem.message}</p>}</div>
        <div class="buttons dialog-buttons">
          {/* First, so that it has the focus and a hasty Enter does no harm. */}
          <button class="button" type="button" onClick={close}>
            Cancel
          </button>
          <button class="button button-main" type="submit" disabled={busy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
