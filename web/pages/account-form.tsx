import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
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
  const then = ownPath(query["then"]);
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

/** The path to go on to. A crafted link must not lead to another site, so anything else becomes "/". */
export function ownPath(path: string | undefined): string {
  if (path === undefined) return "/";
  const url = URL.parse(path, location.origin);
  // Dots are resolved by now: "/..//x" has become "//x", which is the address of another site.
  const isOwn = path.startsWith("/") && url?.origin === location.origin && !url.pathname.startsWith("//");
  return isOwn ? url.pathname + url.search : "/";
}
