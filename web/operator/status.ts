import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Status } from "../../schema/api/status.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { operator } from "./api.ts";

const POLL_MS = 5000;

/** The status that was read last. */
export const latest = signal<Status | undefined>(undefined);

/** Reads the status every 5 s while the page is visible. Returns the problem of the last read, if it failed. */
export function useStatus(): ApiProblem | undefined {
  const problem = useSignal<ApiProblem | undefined>(undefined);
  useEffect(() => {
    let timer: number | undefined;
    let current = true;
    const read = async () => {
      try {
        if (document.visibilityState === "visible") latest.value = await operator.status();
        problem.value = undefined;
      } catch (error) {
        problem.value = asProblem(error);
      }
      if (current) timer = setTimeout(() => void read(), POLL_MS);
    };
    void read();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [problem]);
  return problem.value;
}
