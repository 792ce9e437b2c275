import { expect, it } from "vitest";
import { CAPTION, NAME, personName, text } from "./text.ts";

const caption = text(CAPTION);
const name = personName(NAME);

it("keeps what people write, normalized to NFC and trimmed", () => {
  expect(caption.parse("  Cafe\u0301\r\nau lait\t ")).toBe("Café\nau lait");
  for (const kept of ["👩🏽‍❤️‍💋‍👨🏿", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "नमस्ते", "שָׁלוֹם", "\u200fنص\u200f", "a\u200b\u2060b", "ก็็็็", ""]) {
    expect(caption.parse(kept)).toBe(kept);
  }
});

it("rejects control characters in any position, instead of trimming them", () => {
  for (const character of ["\0", "\u000b", "\f", "\r", "\u0085", "\u202e", "\u2066", "\ufeff"]) {
    for (const given of [`${character}ab`, `a${character}b`, `ab${character}`]) {
      expect(caption.safeParse(given).success, JSON.stringify(given)).toBe(false);
    }
  }
});

it("rejects stacks of combining marks, however few characters they count as", () => {
  expect(caption.safeParse(`a${"\u0301".repeat(30)}`).success).toBe(true);
  for (const stack of [`a${"\u0301".repeat(2500)}`, "👨\u200d".repeat(1000), "\u1100".repeat(1600)]) {
    expect(caption.safeParse(stack).success).toBe(false);
  }
});

it("rejects a name with invisible characters, except where they form an emoji or a letter", () => {
  for (const blank of ["", " ", "\u200b", "\u2060", "\u00ad", "\u3164", "\u2800", "\u200d\u200b \ufe0f"]) {
    expect(name.safeParse(blank).success, JSON.stringify(blank)).toBe(false);
    expect(caption.safeParse(blank).success, JSON.stringify(blank)).toBe(true);
  }
  for (const shown of ["❤️", "❤\ufe0e", "0️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩‍🚀", "葛\u{e0100}城"])
    expect(name.parse(shown), shown).toBe(shown);
  for (const hidden of ["0\ufe0f", "a\u{e0067}", "a\u{e0100}", "a\u034f"]) {
    expect(name.safeParse(hidden).success, JSON.stringify(hidden)).toBe(false);
  }
});
