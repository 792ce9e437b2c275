/** The most that one person is pushed in a minute. */
export const PUSHES_A_MINUTE = 6;

/** `single` are pushed each; `more` counts what one summary tells of, and 0 means that there is none. */
export type Paced<T> = { single: T[]; more: number };

/**
 * Of `news`, the most important first, when `recent` have been pushed in the last minute: each by itself if that is not too
 * much, else the last place is the summary's. Where no place is left they are not pushed at all: they are in the inbox.
 */
export function paced<T>(news: readonly T[], recent: number): Paced<T> {
  const places = Math.max(0, PUSHES_A_MINUTE - recent);
  if (news.length <= places) return { single: [...news], more: 0 };
  const single = news.slice(0, Math.max(0, places - 1));
  return { single, more: places > 0 ? news.length - single.length : 0 };
}
