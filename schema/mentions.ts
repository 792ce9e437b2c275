/** Of one text. Who is mentioned behind them is not told. */
export const MENTIONS_MAX = 10;

/**
 * A handle as it may be written, in its one group, and no part of a longer word or of an address. Each place is looked at
 * once, and no further than 30 characters.
 */
export const MENTION = /(?<![\w@.])@([a-z0-9_]{3,30})(?!\w)/gi;

/** The handles that a text mentions, each once, in their order. */
export function handlesIn(text: string): string[] {
  const found = new Set<string>();
  for (const [, handle = ""] of text.matchAll(MENTION)) {
    found.add(handle.toLowerCase());
    if (found.size === MENTIONS_MAX) break;
  }
  return [...found];
}
