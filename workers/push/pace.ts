/** The most pushes that one person gets in a minute. */
export const PUSHES_A_MINUTE = 6;
/** The most of these about what strangers do, so that strangers cannot take the places of people whom the person follows. */
export const PUSHES_FROM_STRANGERS = 3;

/** A push that was sent: when, in ms since 1970, and whether it was about what only strangers did. */
export type RecentPush = { at: number; isStrange: 0 | 1 };

/**
 * Each of `single` gets its own push; `more` others share a summary, and 0 means that there is none. `inSummary` is one
 * of those others.
 */
export type Paced<T> = { single: T[]; more: number; inSummary: T | undefined };

/**
 * Fits `items`, the most important first, into this minute's places, of which `recent` are taken. What followed people do
 * comes first. If there are too many, the last place goes to a summary. If no place is left, nothing is pushed: the
 * notifications are in the inbox anyway.
 */
export function paced<T>(
  items: readonly T[],
  isStrange: (item: T) => boolean,
  recent: readonly RecentPush[],
): Paced<T> {
  const places = Math.max(0, PUSHES_A_MINUTE - recent.length);
  const ofStrangers = PUSHES_FROM_STRANGERS - recent.filter((push) => push.isStrange).length;
  const known = fit(
    items.filter((item) => !isStrange(item)),
    places,
  );
  const left = places - known.single.length - (known.more > 0 ? 1 : 0);
  const strange = fit(items.filter(isStrange), Math.max(0, Math.min(left, ofStrangers)));
  return {
    single: [...known.single, ...strange.single],
    more: known.more + strange.more, // At most one of the two: without a place left, no summary says so.
    inSummary: known.inSummary ?? strange.inSummary,
  };
}

function fit<T>(items: readonly T[], places: number): Paced<T> {
  if (items.length <= places) return { single: [...items], more: 0, inSummary: undefined };
  if (places === 0) return { single: [], more: 0, inSummary: undefined };
  const single = items.slice(0, places - 1);
  return { single, more: items.length - single.length, inSummary: items[single.length] };
}
