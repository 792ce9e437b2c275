import { useId } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { length } from "../../limits.ts";

type Common = { label: string; name: string; hint?: string | undefined; error?: string | undefined };

type FieldProps = Common & {
  secret?: boolean;
  autocomplete: "name" | "username" | "username webauthn" | "current-password" | "new-password" | "off";
  autocapitalize?: "none";
  spellcheck?: boolean;
  autofocus?: boolean;
  required?: boolean;
  pattern?: string;
  title?: string;
  minLength?: number;
  maxLength?: number;
  defaultValue?: string;
};

/** A labelled input with its hint or its error. */
export function Field({ label, name, hint, error, secret = false, ...input }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...input}
        {...(secret ? { type: "password" } : { type: "text" })}
        id={id}
        name={name}
        aria-invalid={error !== undefined}
        {...(note !== undefined && { "aria-describedby": `${id}-note` })}
      />
      {note !== undefined && (
        <p
          id={`${id}-note`}
          class={error === undefined ? "note" : "note note-error"}
          role={error === undefined ? "note" : "alert"}
        >
          {note}
        </p>
      )}
    </div>
  );
}

type AreaProps = Common & {
  max: number;
  value: string;
  rows: number;
  placeholder?: string;
  onText: (text: string) => void;
};

/** A labelled text area that counts the characters left, and announces the count when few are. */
export function Area({ label, name, max, value, rows, placeholder, hint, error, onText }: AreaProps) {
  const id = useId();
  const touched = useSignal(false);
  const left = max - length(value);
  const tight = left < Math.max(20, max / 10);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        name={name}
        rows={rows}
        value={value}
        placeholder={placeholder}
        aria-invalid={left < 0 || error !== undefined}
        aria-describedby={`${id}-note`}
        onInput={({ currentTarget }) => {
          touched.value = true;
          onText(currentTarget.value);
        }}
      />
      <p id={`${id}-note`} class={left < 0 || error ? "note note-error note-split" : "note note-split"}>
        <span>{error ?? hint}</span>
        <span class={tight ? "left left-tight" : "left"} aria-live={touched.value && tight ? "polite" : "off"}>
          {left < 0 ? `${-left} over the limit` : `${left} left`}
        </span>
      </p>
    </div>
  );
}
