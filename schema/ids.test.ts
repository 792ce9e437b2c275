import fc from "fast-check";
import { expect, it } from "vitest";
import { EPOCH, ID_LENGTH, isId, LOGICAL_SHARDS, newId, type PostId, shardOf, timeOf } from "./ids.ts";

const time = fc.integer({ min: EPOCH, max: EPOCH + 2 ** 41 - 1 });
const shard = fc.integer({ min: 0, max: LOGICAL_SHARDS - 1 });
const random = fc.integer({ min: 0, max: 1023 });

it("encodes a time and a shard that can be read back", () => {
  fc.assert(
    fc.property(time, shard, random, (time, shard, random) => {
      const id = newId<PostId>(shard, time, random);
      expect(id).toHaveLength(ID_LENGTH);
      expect(isId(id)).toBe(true);
      expect(timeOf(id)).toBe(time);
      expect(shardOf(id)).toBe(shard);
    }),
  );
});

it("sorts as text in order of time, whatever the shards", () => {
  const made = fc.tuple(time, shard, random);
  fc.assert(
    fc.property(made, made, (a, b) => {
      const [first, second] = [newId<PostId>(a[1], a[0], a[2]), newId<PostId>(b[1], b[0], b[2])];
      if (a[0] < b[0]) expect(first < second).toBe(true);
      if (a[0] > b[0]) expect(first > second).toBe(true);
    }),
  );
});

it("makes different ids from different parts", () => {
  const made = fc.tuple(time, shard, random);
  fc.assert(
    fc.property(made, made, (a, b) => {
      const same = a.every((part, index) => part === b[index]);
      expect(newId(a[1], a[0], a[2]) === newId(b[1], b[0], b[2])).toBe(same);
    }),
  );
});

it("rejects text that is not an id", () => {
  for (const text of [
    "",
    "0",
    "g000000000000",
    "000000000000i",
    "000000000000U",
    "0000000000000\n",
    "00000000000000",
  ]) {
    expect(isId(text), JSON.stringify(text)).toBe(false);
  }
});
