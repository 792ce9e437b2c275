import { useSignal } from "@preact/signals";
import type { Case } from "../../../schema/api/moderation.ts";
import type { Decision } from "../../../schema/moderation.ts";
import { api } from "../../api/api.ts";
import { ApiProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { REASON_MAX } from "../../limits.ts";
import { choiceTitle, DECISIONS } from "../../words/moderation.ts";
import { nameOf } from "../../words/names.ts";
import { DialogButtons } from "../controls/dialog-buttons.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { Dialog } from "../controls/dialog.tsx";
import { Area } from "../controls/field.tsx";
import { typed, useSubmit } from "../controls/submit.ts";

const DAYS = [1, 3, 7, 30, 90];
const DAY = 86_400_000; // ms

type Props = {
  of: Case;
  choice: Decision | "restore";
  close: () => void;
  decided: (subject: string) => void;
  /** Called when somebody else has decided first. */
  changed: () => void;
};

/** Asks a moderator for the reason of a decision, which the person concerned reads. */
export function DecisionDialog({ of: { subject, version, kind, person }, choice, close, decided, changed }: Props) {
  const reason = useSignal("");
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    try {
      const said = { version, reason: reason.value };
      const days = Number(typed(form, "days"));
      const until = choice === "suspend" ? { until: new Date(Date.now() + days * DAY).toISOString() } : {};
      if (choice === "restore") await api.restoreCase(subject, said);
      else await api.decideCase(subject, { ...said, decision: choice, ...until });
      showToast("Decided");
      decided(subject);
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== "already_decided") throw error;
      showToast(error.message, "error");
      changed();
    }
    close();
  });
  const reads = choice === "keep" ? "Only the log shows the reason." : `${nameOf(person)} reads the reason.`;
  return (
    <Dialog title={choiceTitle(choice, kind, nameOf(person))} description={reads} close={close}>
      <form
        class="dialog-form"
        onSubmit={onSubmit}
        onKeyDown={({ key, ctrlKey, metaKey, currentTarget }) => {
          if (key === "Enter" && (ctrlKey || metaKey)) currentTarget.requestSubmit();
        }}
      >
        {choice === "suspend" && (
          <fieldset class="choices case-days">
            <legend class="unseen">For how long</legend>
            {DAYS.map((days) => (
              <label class="choice" key={days}>
                <input type="radio" name="days" value={days} defaultChecked={days === 7} />
                <span>{days === 1 ? "1 day" : `${days} days`}</span>
              </label>
            ))}
          </fieldset>
        )}
        <Area
          label="Reason"
          name="reason"
          rows={3}
          max={REASON_MAX}
          value={reason.value}
          hint="Ctrl+Enter sends it"
          error={problem?.fields["reason"]}
          onText={(text) => (reason.value = text)}
        />
        <FormProblem problem={problem} />
        <DialogButtons
          close={close}
          action={busy ? "Saving…" : DECISIONS[choice]}
          disabled={busy || reason.value.trim() === ""}
        />
      </form>
    </Dialog>
  );
}
