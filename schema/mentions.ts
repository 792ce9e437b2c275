/** The most mentions in one text. People mentioned after these are not notified. */
export const MENTIONS_MAX = 10;

/**
 * Matches a mention that is not part of a longer word or an address; its one group is the handle. It examines each
 * position once, and at most 30 characters ahead.
 */
export const MENTION = /(?<![\w@.])@([a-z0-9_]{3,30})(?!\w)/gi;

/** Returns the handles mentioned in a text, lower-case, without duplicates, in order of appearance. */
export function handlesIn(text: string): string[] {
  const found = new Set<string>();
  for (const [, handle = ""] of text.matchAll(MENTION)) {
    found.add(handle.toLowerCase());
    if (found.size === MENTIONS_MAX) break;
  }
  return [...found];
}
