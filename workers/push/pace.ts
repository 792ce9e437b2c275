/** The most pushes that one person gets in a minute. */
export const PUSHES_A_MINUTE = 6;

/** Each of `single` gets its own push; `more` others share a summary, and 0 means that there is none. */
export type Paced<T> = { single: T[]; more: number };

/**
 * Fits `items`, the most important first, into this minute's places, of which `recent` are taken. If there are too
 * many, the last place goes to a summary. If no place is left, nothing is pushed: the notifications are in the inbox
 * anyway.
 */
export function paced<T>(items: readonly T[], recent: number): Paced<T> {
  const places = Math.max(0, PUSHES_A_MINUTE - recent);
  if (items.length <= places) return { single: [...items], more: 0 };
  const single = items.slice(0, Math.max(0, places - 1));
  return { single, more: places > 0 ? items.length - single.length : 0 };
}
