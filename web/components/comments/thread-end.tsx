import { useEffect } from "preact/hooks";
import type { Thread } from "../../state/comments.ts";
import { markGoneIfMissing } from "../../state/gone.ts";
import { Failure } from "../common/states.tsx";

/** Loads more of a thread, or shows why that failed. `parent` is the comment whose replies these are, if any. */
export function ThreadEnd({ thread, parent, more }: { thread: Thread; parent?: string; more: string }) {
  const state = thread.state.value;
  const problem = thread.problem.value;
  useEffect(() => {
    if (problem) markGoneIfMissing(problem, thread.post, parent);
  }, [problem, thread, parent]);

  if (state === "failed" && problem) return <Failure problem={problem} retry={() => void thread.more()} />;
  if (!thread.started || state === "whole") return null;
  return (
    <button class="quiet-link" type="button" aria-disabled={state === "loading"} onClick={() => void thread.more()}>
      {state === "loading" ? "Loading…" : more}
    </button>
  );
}
