import { DialogButtons } from "./dialog-buttons.tsx";
import { FormProblem } from "./form-problem.tsx";
import { Dialog } from "./dialog.tsx";
import { useSubmit } from "./submit.ts";

type Props = { title: string; description: string; action: string; close: () => void; act: () => Promise<void> };

/** Asks before something is done. `description` says what follows from it. */
export function Confirmation({ title, description, action, close, act }: Props) {
  const { problem, busy, onSubmit } = useSubmit(act);
  return (
    <Dialog title={title} description={description} close={close}>
      <form class="dialog-form" onSubmit={onSubmit}>
        <FormProblem problem={problem} />
        <DialogButtons close={close} action={action} disabled={busy} />
      </form>
    </Dialog>
  );
}
