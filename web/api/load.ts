import { type Signal, useSignal } from "@preact/signals";
import { useCallback, useEffect } from "preact/hooks";
import { online } from "./connection.ts";
import { type ApiProblem, asProblem } from "./problem.ts";

export type Loaded<T> = { value: Signal<T | undefined>; problem: Signal<ApiProblem | undefined>; reload: () => void };

/** Loads something whenever `key` changes, and again on `reload` or, after a failure, when back online. */
export function useLoad<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const value = useSignal<T | undefined>(undefined);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const attempt = useSignal(0);
  const reload = useCallback(() => {
    attempt.value += 1;
  }, [attempt]);

  useEffect(() => {
    let current = true;
    problem.value = undefined;
    const read = async () => {
      try {
        const loaded = await load();
        if (current) value.value = loaded;
      } catch (error) {
        if (current) problem.value = asProblem(error);
      }
    };
    void read();
    return () => {
      current = false;
    };
    // `load` is a new function at every render; `key` says what it reads.
  }, [key, attempt.value]);

  useEffect(
    () =>
      online.subscribe((isOnline) => {
        if (isOnline && problem.peek()) reload();
      }),
    [problem, reload],
  );

  return { value, problem, reload };
}
