import fc from "fast-check";
import { expect, it } from "vitest";
import { added, EMPTY, formatted, hashOf, LANE_MAX, removed, type SetHash, union } from "./set-hash.ts";

const element = fc.constantFrom("ada", "ben", "cleo", "dan", "eve");
const ofSet = (elements: Iterable<string>): SetHash => [...elements].reduce(added, EMPTY);

it("depends on the elements of the set, and not on its history", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(element, fc.boolean())), (history) => {
      const set = new Set<string>();
      let hash = EMPTY;
      for (const [who, add] of history) {
        if (add === set.has(who)) continue;
        hash = add ? added(hash, who) : removed(hash, who);
        if (add) set.add(who);
        else set.delete(who);
      }
      expect(hash).toEqual(ofSet([...set].toSorted()));
      for (const lane of hash) expect(lane >= 0 && lane <= LANE_MAX && Number.isInteger(lane)).toBe(true);
    }),
  );
});

it("equals the union of the hashes of disjoint parts", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), fc.nat(), (elements, at) => {
      const [left, right] = [elements.slice(0, at), elements.slice(at)];
      expect(union([ofSet(left), ofSet(right)])).toEqual(ofSet(elements));
    }),
  );
});

it("differs between different sets", () => {
  const seen = new Set<string>();
  for (let n = 0; n < 2000; n += 1) seen.add(formatted(hashOf(n.toString(32).padStart(13, "0"))));
  expect(seen.size).toBe(2000);
  expect(formatted(EMPTY)).toBe("0".repeat(36));
});
