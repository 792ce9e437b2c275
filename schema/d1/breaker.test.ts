import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LateError } from "./deadline.ts";
import { Breaker } from "./breaker.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const late = () => Promise.reject(new LateError("D1", 2000));
const inTime = vi.fn(() => Promise.resolve("answered"));
const outcome = (breaker: Breaker, call: () => Promise<string> = inTime) => breaker.run(call).catch(String);

it("blocks all calls for a second after a timeout, then lets one through, then all", async () => {
  const breaker = new Breaker();
  expect(await outcome(breaker)).toBe("answered");
  await outcome(breaker, late);
  inTime.mockClear();
  vi.setSystemTime(999);
  expect(await outcome(breaker)).toContain("D1");
  vi.setSystemTime(1000);
  const both = [outcome(breaker), outcome(breaker)];
  expect(await Promise.all(both)).toEqual(["answered", expect.stringContaining("D1")]);
  expect(inTime).toHaveBeenCalledTimes(1);
  expect(await outcome(breaker)).toBe("answered");
});

it("lets another call try after 5 s without a result of the first trial", async () => {
  const breaker = new Breaker();
  await outcome(breaker, late);
  vi.setSystemTime(1000);
  void breaker.run(() => new Promise<string>(() => undefined));
  vi.setSystemTime(5999);
  expect(await outcome(breaker)).toContain("D1");
  vi.setSystemTime(6000);
  expect(await outcome(breaker)).toBe("answered");
});

it("blocks calls again after another timeout, but not after an immediate failure", async () => {
  const breaker = new Breaker();
  await outcome(breaker, late);
  vi.setSystemTime(1500);
  await outcome(breaker, late);
  vi.setSystemTime(2499);
  expect(await outcome(breaker)).toContain("D1");
  vi.setSystemTime(2500);
  expect(await outcome(breaker, () => Promise.reject(new Error("no such table")))).toContain("no such table");
  expect(await outcome(breaker)).toBe("answered");
});
