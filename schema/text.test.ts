import { expect, it } from "vitest";
import { CAPTION, NAME, text } from "./text.ts";

const caption = text(CAPTION);
const name = text(NAME);

it("keeps what people write, in NFC and without the blanks around it", () => {
  expect(caption.parse("  Cafe\u0301\r\nau lait\t ")).toBe("Café\nau lait");
  for (const kept of ["👩🏽‍❤️‍💋‍👨🏿", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "नमस्ते", "שָׁלוֹם", "\u200fنص\u200f", "a\u200b\u2060b", "ก็็็็", ""]) {
    expect(caption.parse(kept)).toBe(kept);
  }
});

it("refuses control characters wherever they stand, instead of trimming them away", () => {
  for (const character of ["\0", "\u000b", "\f", "\r", "\u0085", "\u202e", "\u2066", "\ufeff"]) {
    for (const given of [`${character}ab`, `a${character}b`, `ab${character}`]) {
      expect(caption.safeParse(given).success, JSON.stringify(given)).toBe(false);
    }
  }
});

it("refuses towers of marks, however few characters they count as", () => {
  expect(caption.safeParse(`a${"\u0301".repeat(30)}`).success).toBe(true);
  for (const tower of [`a${"\u0301".repeat(2500)}`, "👨\u200d".repeat(1000), "\u1100".repeat(1600)]) {
    expect(caption.safeParse(tower).success).toBe(false);
  }
});

it("refuses a name that cannot be seen", () => {
  for (const blank of ["", " ", "\u200b", "\u2060", "\u00ad", "\u3164", "\u2800", "\u200d\u200b \ufe0f"]) {
    expect(name.safeParse(blank).success, JSON.stringify(blank)).toBe(false);
    expect(caption.safeParse(blank).success, JSON.stringify(blank)).toBe(true);
  }
  expect(name.parse("❤️")).toBe("❤️");
});
