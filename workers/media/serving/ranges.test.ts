import fc from "fast-check";
import { expect, it } from "vitest";
import { rangeOf } from "./ranges.ts";

const shown = (range: ReturnType<typeof rangeOf>) =>
  typeof range === "object" ? `${range.offset}+${range.length}` : (range ?? "all");

it.each([
  [undefined, "all"],
  ["bytes=0-", "0+10"],
  ["bytes=0-0", "0+1"],
  ["bytes=9-", "9+1"],
  ["bytes=2-5", "2+4"],
  ["bytes=5-99", "5+5"],
  ["bytes=5-99999999999999999999999999", "5+5"],
  ["bytes=-3", "7+3"],
  ["bytes=-99", "0+10"],
  ["Bytes=2-5 ", "2+4"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=10-20", "unsatisfiable"],
  ["bytes=99999999999999999999999999-", "unsatisfiable"],
  // Malformed headers, and several ranges.
  ["bytes=5-2", "all"],
  ["bytes=abc", "all"],
  ["bytes=", "all"],
  ["bytes=-", "all"],
  ["bytes=1", "all"],
  ["bytes=0x1-2", "all"],
  ["bytes=--1", "all"],
  ["bytes=1.5-2", "all"],
  ["bytes=0-0,5-6", "all"],
  ["bytes=0-5,0-5", "all"],
  [`bytes=${"0-,".repeat(10_000)}0-`, "all"],
  ["items=0-5", "all"],
  ["0-5", "all"],
])("for ten bytes, reads %s as %s", (header, range) => {
  expect(shown(rangeOf(header, 10))).toBe(range);
});

/** The specification: the bytes that the header requests, one by one. */
function named(header: string, size: number): number[] | undefined {
  const [first = "", last = ""] = header.slice("bytes=".length).split("-");
  const all = Array.from({ length: size }, (_, index) => index);
  if (first === "") return last === "" ? undefined : all.filter((index) => index >= size - Number(last));
  if (last !== "" && BigInt(last) < BigInt(first)) return undefined;
  return all.filter((index) => index >= Number(first) && (last === "" || index <= Number(last)));
}

it("selects the bytes that the header requests", () => {
  const number = fc.oneof(fc.constant(""), fc.nat(30).map(String), fc.bigInt({ min: 0n, max: 10n ** 15n }).map(String));
  fc.assert(
    fc.property(number, number, fc.nat(20), (first, last, size) => {
      const header = `bytes=${first}-${last}`;
      const range = rangeOf(header, size);
      const wanted = named(header, size);
      if (range === undefined) expect(wanted).toBe(undefined);
      else if (range === "unsatisfiable") expect(wanted).toEqual([]);
      else expect(Array.from({ length: range.length }, (_, index) => range.offset + index)).toEqual(wanted);
    }),
    { numRuns: 2000 },
  );
});
