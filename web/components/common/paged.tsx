import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { List } from "../../state/list.ts";
import { Failure } from "./states.tsx";

type Props<T> = {
  list: List<T>;
  waiting: ComponentChildren;
  empty: ComponentChildren;
  children: (items: T[]) => ComponentChildren;
};

/** An endless list, which loads the next page before its end comes into view. */
export function Paged<T>({ list, waiting, empty, children }: Props<T>) {
  useEffect(() => list.open(), [list]);

  const items = list.items.value;
  const state = list.state.value;
  const problem = list.problem.value;
  return (
    <>
      {items.length > 0 && children(items)}
      {items.length === 0 && state === "whole" && empty}
      {items.length === 0 && (state === "loading" || state === "partial") && waiting}
      {items.length > 0 && state === "loading" && list.started && (
        <p class="unseen" role="status">
          Loading more…
        </p>
      )}
      {state === "failed" && problem && <Failure problem={problem} retry={() => void list.more()} />}
      {items.length > 0 && state === "partial" && <End key={items.length} reached={() => void list.more()} />}
    </>
  );
}

/** How far below the window the next page is loaded. */
const AHEAD = "1200px";

// Remounted after every page, because an observer reports only changes and the end may still be in view.
function End({ reached }: { reached: () => void }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) reached();
      },
      { rootMargin: AHEAD },
    );
    if (end.current) observer.observe(end.current);
    return () => observer.disconnect();
  }, []);
  return <div class="end" ref={end} />;
}
