import { useSignal } from "@preact/signals";
import type { TargetedSubmitEvent } from "preact";
import { type ApiProblem, asProblem } from "../../api/problem.ts";

/** Submits a form, one request at a time, and holds the problem if it fails. */
export function useSubmit(send: (form: FormData) => Promise<void>) {
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const busy = useSignal(false);

  const submit = async (form: HTMLFormElement) => {
    if (busy.value) return;
    busy.value = true;
    problem.value = undefined;
    try {
      await send(new FormData(form));
    } catch (error) {
      problem.value = asProblem(error);
    } finally {
      busy.value = false;
    }
  };

  const onSubmit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    void submit(event.currentTarget);
  };

  return { problem: problem.value, busy: busy.value, onSubmit };
}

/** A field's value exactly as typed: the spaces of a password count. */
export const typed = (form: FormData, name: string): string => {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
};

/** A field's value without the spaces around it. */
export const textOf = (form: FormData, name: string): string => typed(form, name).trim();
