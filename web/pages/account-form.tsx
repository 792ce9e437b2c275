import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { ownPath } from "../browser/own-path.ts";
import { Field } from "../components/controls/field.tsx";
import { FormProblem } from "../components/controls/form-problem.tsx";
import { useSubmit } from "../components/controls/submit.ts";
import { me } from "../state/session.ts";

type Props = {
  title: string;
  action: string;
  send: (form: FormData) => Promise<void>;
  fields: (errors: Record<string, string>) => ComponentChildren;
  /** Another way to do the same. */
  instead?: ComponentChildren;
  other: ComponentChildren;
};

/** The form to sign in or up. A signed-in viewer goes on to the page they came for. */
export function AccountForm({ title, action, send, fields, instead, other }: Props) {
  const { query, route } = useLocation();
  const { problem, busy, onSubmit } = useSubmit(send);
  const then = ownPath(query["then"], location.origin);
  const isIn = me.value !== undefined;
  const isTaken = problem?.code === "handle_taken" && !("handle" in problem.fields);
  const errors = isTaken ? { handle: problem.message } : (problem?.fields ?? {});

  useEffect(() => {
    if (isIn) route(then, true);
  }, [isIn, route, then]);

  return (
    <form class="account" onSubmit={onSubmit}>
      <h1>{title}</h1>
      {fields(errors)}
      <FormProblem problem={problem} fields={errors} />
      <button class="button button-main button-big" type="submit" aria-disabled={busy}>
        {busy ? "One moment…" : action}
      </button>
      {instead}
      <p class="soft">{other}</p>
    </form>
  );
}

type HandleProps = { error: string | undefined; suggestsPasskeys?: boolean };

/** The handle of somebody who has an account. */
export const HandleField = ({ error, suggestsPasskeys = false }: HandleProps) => (
  <Field
    label="Handle"
    name="handle"
    autocomplete={suggestsPasskeys ? "username webauthn" : "username"}
    autocapitalize="none"
    spellcheck={false}
    required
    autofocus
    error={error}
  />
);
