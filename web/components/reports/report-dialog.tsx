import { useSignal } from "@preact/signals";
import { api, type Report } from "../../api/api.ts";
import { showToast } from "../../browser/toast.ts";
import { REASONS } from "../../words/moderation.ts";
import { DialogButtons } from "../controls/dialog-buttons.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { Dialog } from "../controls/dialog.tsx";
import { Area } from "../controls/field.tsx";
import { typed, useSubmit } from "../controls/submit.ts";

const WORDS_MAX = 1000;

type Props = { what: string; subject: Pick<Report, "post" | "comment" | "person">; close: () => void };

/** Reports something to the moderators. `what`: such as "this post". */
export function ReportDialog({ what, subject, close }: Props) {
  const words = useSignal("");
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    await api.report({ ...subject, reason: typed(form, "reason") as Report["reason"], words: words.value });
    close();
    showToast("Thank you. The moderators will look at it.");
  });
  return (
    <Dialog title={`Report ${what}`} description="Nobody learns that it was you who reported it." close={close}>
      <form class="dialog-form" onSubmit={onSubmit}>
        <fieldset class="options report-reasons">
          <legend class="unseen">What is wrong?</legend>
          {REPORT_REASONS.map((reason, place) => (
            <label class="option" key={reason}>
              <input type="radio" name="reason" value={reason} required autofocus={place === 0} />
              <span>{REASONS[reason]}</span>
            </label>
          ))}
        </fieldset>
        <Area
          label="Anything to add?"
          name="words"
          rows={3}
          max={WORDS_MAX}
          value={words.value}
          hint="Optional"
          error={problem?.fields["words"]}
          onText={(text) => (words.value = text)}
        />
        <FormProblem problem={problem} />
        <DialogButtons close={close} action={busy ? "Sending…" : "Report"} disabled={busy} />
      </form>
    </Dialog>
  );
}

const REPORT_REASONS = Object.keys(REASONS) as Report["reason"][];
