import { expect, it } from "vitest";
import { Replica } from "./replica.ts";

const START = Date.UTC(2026, 0, 1);

it("has a commit when the lag is over", () => {
  const replica = new Replica(250);
  const empty = replica.bookmark(START);
  expect(replica.newest(START)).toBe(empty);
  replica.committed(START + 1000);
  const written = replica.newest(START + 1000);
  expect(written > empty).toBe(true);
  expect(replica.bookmark(START + 1249)).toBe(empty);
  expect(replica.mayServe(written, START + 1249)).toBe(false);
  expect(replica.mayServe(empty, START + 1249)).toBe(true);
  expect(replica.mayServe("first-unconstrained", START + 1249)).toBe(true);
  expect(replica.bookmark(START + 1250)).toBe(written);
  expect(replica.mayServe(written, START + 1250)).toBe(true);
  expect(replica.mayServe("first-primary", START + 1250)).toBe(false);
});

it("has whatever an earlier run has committed", () => {
  const earlier = new Replica(250);
  earlier.committed(START);
  const written = earlier.newest(START);
  expect(new Replica(250).mayServe(written, START + 300)).toBe(true);
});
