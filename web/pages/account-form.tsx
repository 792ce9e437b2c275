import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { ownPath } from "../browser/own-path.ts";
import { useSubmit } from "../components/controls/submit.ts";
import { me } from "../state/session.ts";

type Props = {
  title: string;
  action: string;
  send: (form: FormData) => Promise<void>;
  fields: (errors: Record<string, string>) => ComponentChildren;
  other: ComponentChildren;
};

/** The form to sign in or up. A signed-in viewer goes on to the page they came for. */
export function AccountForm({ title, action, send, fields, other }: Props) {
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
      <div role="alert">
        {problem && Object.keys(errors).length === 0 && <p class="form-error">{problem.message}</p>}
      </div>
      <button class="button button-main button-big" type="submit" aria-disabled={busy}>
        {busy ? "One moment…" : action}
      </button>
      <p class="soft">{other}</p>
    </form>
  );
}
