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
const tried = vi.fn(() => Promise.resolve("answered"));
const outcome = (breaker: Breaker, ask: () => Promise<string> = tried) => breaker.run(ask).catch(String);

it("lets no call pass for a second after a timeout, then one, then all", async () => {
  const breaker = new Breaker();
  expect(await outcome(breaker)).toBe("answered");
  await outcome(breaker, late);
  tried.mockClear();
  vi.setSystemTime(999);
  expect(await outcome(breaker)).toContain("D1");
  vi.setSystemTime(1000);
  const both = [outcome(breaker), outcome(breaker)];
  expect(await Promise.all(both)).toEqual(["answered", expect.stringContaining("D1")]);
  expect(tried).toHaveBeenCalledTimes(1);
  expect(await outcome(breaker)).toBe("answered");
});

it("allows another trial when the first never settles", async () => {
  const breaker = new Breaker();
  await outcome(breaker, late);
  vi.setSystemTime(1000);
  void breaker.run(() => new Promise<string>(() => undefined));
  vi.setSystemTime(5999);
  expect(await outcome(breaker)).toContain("D1");
  vi.setSystemTime(6000);
  expect(await outcome(breaker)).toBe("answered");
});

it("opens again after another timeout, but not after an immediate failure", async () => {
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
