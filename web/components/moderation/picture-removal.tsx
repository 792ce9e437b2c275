import { useSignal } from "@preact/signals";
import type { PersonCard } from "../../../schema/api/people.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { api } from "../../api/api.ts";
import { showToast } from "../../browser/toast.ts";
import { REASON_MAX } from "../../limits.ts";
import { nameOf } from "../../words/names.ts";
import { Area } from "../controls/field.tsx";
import { Dialog } from "../controls/dialog.tsx";
import { DialogButtons } from "../controls/dialog-buttons.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { useSubmit } from "../controls/submit.ts";

type Props = { person: PersonCard; picture: MediaId; close: () => void; removed: () => void };

/** Asks a moderator why a profile picture is removed. The case stays open, for a decision about the person. */
export function PictureRemoval({ person, picture, close, removed }: Props) {
  const reason = useSignal("");
  const { problem, busy, onSubmit } = useSubmit(async () => {
    await api.removePictureOf(person.handle, { picture, reason: reason.value });
    showToast("Removed");
    removed();
    close();
  });
  return (
    <Dialog
      title={`Remove the picture of ${nameOf(person)}`}
      description="Only the log shows the reason. The case stays open."
      close={close}
    >
      <form class="dialog-form" onSubmit={onSubmit}>
        <Area
          label="Reason"
          name="reason"
          rows={3}
          max={REASON_MAX}
          value={reason.value}
          error={problem?.fields["reason"]}
          onText={(text) => (reason.value = text)}
        />
        <FormProblem problem={problem} fields={problem?.fields ?? {}} />
        <DialogButtons
          close={close}
          action={busy ? "Removing…" : "Remove picture"}
          disabled={busy || reason.value.trim() === ""}
        />
      </form>
    </Dialog>
  );
}
