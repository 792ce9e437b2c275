import { useEffect } from "preact/hooks";

/** An element with less than this share of it in view counts as out of sight. */
const IN_SIGHT = 0.25;

/** Calls `look` with whether the element is in sight, at first and whenever that changes. */
export function useSight(element: { current: Element | null }, look: (isInSight: boolean) => void): void {
  useEffect(() => {
    const { current } = element;
    if (!current) return undefined;
    const observer = new IntersectionObserver((changes) => look((changes.at(-1)?.intersectionRatio ?? 0) >= IN_SIGHT), {
      threshold: [0, IN_SIGHT],
    });
    observer.observe(current);
    return () => observer.disconnect();
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- `look` only sets what never changes.
  }, [element]);
}
