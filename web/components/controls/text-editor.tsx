import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { length } from "../../limits.ts";
import { FormProblem } from "./form-problem.tsx";
import { Area } from "./field.tsx";
import { useSubmit } from "./submit.ts";

type Props = {
  label: string;
  text: string;
  max: number;
  mayBeEmpty?: boolean;
  save: (text: string) => Promise<void>;
  close: () => void;
};

/** Replaces a text while its author edits it. Escape discards the changes. */
export function TextEditor({ label, text, max, mayBeEmpty = false, save, close }: Props) {
  const value = useSignal(text);
  const form = useRef<HTMLFormElement>(null);
  const isSendable = length(value.value) <= max && (mayBeEmpty || value.value.trim() !== "");
  const { problem, busy, onSubmit } = useSubmit(async () => {
    if (!isSendable) return;
    if (value.value.trim() !== text) await save(value.value);
    close();
  });

  const fieldError = problem?.fields["caption"] ?? problem?.fields["text"];

  useEffect(() => {
    const area = form.current?.querySelector("textarea");
    area?.focus();
    area?.setSelectionRange(text.length, text.length);
    form.current?.scrollIntoView({ block: "nearest" });
  }, []);

  return (
    <form
      ref={form}
      class="text-editor"
      onSubmit={onSubmit}
      onKeyDown={({ key, isComposing }) => {
        if (key === "Escape" && !isComposing) close();
      }}
    >
      <Area
        label={label}
        name="text"
        rows={2}
        max={max}
        value={value.value}
        error={fieldError}
        onText={(typed) => (value.value = typed)}
      />
      <FormProblem problem={fieldError ? undefined : problem} />
      <div class="buttons">
        <button class="button button-main" type="submit" disabled={!isSendable || busy}>
          {busy ? "Saving…" : "Save"}
        </button>
        <button class="button" type="button" onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}
