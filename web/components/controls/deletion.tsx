import { DialogButtons } from "./dialog-buttons.tsx";
import { FormProblem } from "./form-problem.tsx";
import { Dialog } from "./dialog.tsx";
import { useSubmit } from "./submit.ts";

type Props = { what: string; description: string; close: () => void; remove: () => Promise<void> };

/** Asks before something is deleted for good. `description` says what goes with it. */
export function Deletion({ what, description, close, remove }: Props) {
  const { problem, busy, onSubmit } = useSubmit(remove);
  return (
    <Dialog title={`Delete this ${what}?`} description={description} isDestructive close={close}>
      <form class="dialog-form" onSubmit={onSubmit}>
        <FormProblem problem={problem} />
        <DialogButtons close={close} action={busy ? "Deleting…" : `Delete ${what}`} disabled={busy} isDestructive />
      </form>
    </Dialog>
  );
}
