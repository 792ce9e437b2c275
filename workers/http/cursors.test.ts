import fc from "fast-check";
import { expect, it } from "vitest";
import { encodeCursor, cursorId, decodeCursor } from "./cursors.ts";

it("decodes to its parts, and uses only URL-safe characters", () => {
  fc.assert(
    fc.property(fc.tuple(fc.string(), fc.string({ unit: "grapheme" })), (parts) => {
      const cursor = encodeCursor(parts);
      expect(cursor).toMatch(/^[\w-]*$/);
      expect(decodeCursor(cursor, 2)).toEqual(parts);
    }),
  );
});

it("rejects everything else as invalid_cursor", () => {
  const malformed = ["", "!", "abc", encodeCursor([]), encodeCursor(["a", "b", "c"]), btoa("[1,2]"), btoa('{"0":"a"}')];
  for (const cursor of malformed) {
    expect(() => decodeCursor(cursor, 2), JSON.stringify(cursor)).toThrow("invalid_cursor");
  }
  expect(() => cursorId("' OR 1=1 --")).toThrow("invalid_cursor");
  fc.assert(
    fc.property(fc.string(), (cursor) => {
      expect(() => decodeCursor(cursor, 3)).toThrow("invalid_cursor");
    }),
  );
});
