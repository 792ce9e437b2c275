import { crc32 as expected } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { concatBytes } from "../../../schema/bytes.ts";
import { crc32 } from "./crc32.ts";

it("is what zlib computes, also in parts", () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      expect(crc32(second, crc32(first))).toBe(expected(concatBytes([first, second])));
    }),
  );
});
