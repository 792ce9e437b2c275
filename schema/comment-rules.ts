/** The rules by which a comment is held back, and how words match. */
import type { PersonId } from "./ids.ts";

/** The rules of one author for comments on their posts. Absent lists are empty. */
export type CommentRules = { restricted?: readonly PersonId[]; words?: readonly string[] };

/** What happens to a comment that matches a filter of the whole site: it waits for a moderator, or stays hidden. */
export const FILTER_ACTIONS = ["hold", "hide"] as const;
export type FilterAction = (typeof FILTER_ACTIONS)[number];
export type SiteFilter = { word: string; action: FilterAction };

export const RESTRICTED_MAX = 500;
export const WORDS_MAX = 100;
export const SITE_FILTERS_MAX = 500;
export const WORD_MAX = 50;

/** Letters that differ only in case, width or invisible characters count as the same. */
export const normalized = (text: string): string =>
  text
    .normalize("NFKC")
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toLowerCase()
    .replaceAll(/\s+/gu, " ");

// Scripts that write no spaces between words.
const UNSPACED = [
  String.raw`\p{Script=Han}`,
  String.raw`\p{Script=Hiragana}`,
  String.raw`\p{Script=Katakana}`,
  String.raw`\p{Script=Thai}`,
  String.raw`\p{Script=Lao}`,
  String.raw`\p{Script=Khmer}`,
].join("");
const UNSPACED_FIRST = new RegExp(`^[${UNSPACED}]`, "u");
const UNSPACED_LAST = new RegExp(`[${UNSPACED}]$`, "u");
const matchers = new WeakMap<readonly string[], RegExp>();

/** Whether the text has one of `words`, as whole words. The same list is compiled once. */
export function hasWord(text: string, words: readonly string[]): boolean {
  if (words.length === 0) return false;
  const known = matchers.get(words) ?? new RegExp(words.map(patternOf).join("|"), "u");
  matchers.set(words, known);
  return known.test(normalized(text));
}

/** Letters at an edge of the word must not continue in the text; other signs may stand anywhere. */
function patternOf(word: string): string {
  const text = normalized(word);
  const escaped = text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  const before = /^[\p{L}\p{N}]/u.test(text) && !UNSPACED_FIRST.test(text) ? String.raw`(?<![\p{L}\p{N}])` : "";
  const after = /[\p{L}\p{N}]$/u.test(text) && !UNSPACED_LAST.test(text) ? String.raw`(?![\p{L}\p{N}])` : "";
  return `${before}${escaped}${after}`;
}
