import { afterEach, expect, it, vi } from "vitest";
import { newId, type PersonId } from "../ids.ts";
import { DEFAULT_LIMITS, figuresFor, limitsOf, parseLimits, YOUNG_FOR } from "./limits.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

it("changes the figures that a text names, and no others", () => {
  const limits = parseLimits("like=300,150/min,9000/day like.young=7\n post=50/day");
  expect(limits.like).toMatchObject({
    figures: { burst: 300, perMinute: 150, perDay: 9000 },
    young: { ...DEFAULT_LIMITS.like.young, burst: 7 },
  });
  expect(limits.post.figures).toEqual({ ...DEFAULT_LIMITS.post.figures, perDay: 50 });
  expect(limits.comment).toEqual(DEFAULT_LIMITS.comment);
  expect(parseLimits("")).toEqual(DEFAULT_LIMITS);
});

it.each([
  ["like", '"like" must be NAME='],
  ["likes=5", '"likes=5" must be NAME='],
  ["toString=5", '"toString=5" must be NAME='],
  ["like=0", '"0" must be a number from 1'],
  ["like=-5", '"-5" must be'],
  ["like=5/hour", '"5/hour" must be'],
  ["like=5,,6/min", '"" must be'],
  ["like=1e3", '"1e3" must be'],
  ["like=99999999", '"99999999" must be'],
  ["sign-up.young=5", "sign-up has no figures for young accounts"],
])("rejects %s and says why", (text, reason) => {
  expect(() => parseLimits(text)).toThrow(reason);
});

it("logs a wrong text once and falls back to the defaults", () => {
  const log = vi.spyOn(console, "error").mockReturnValue();
  for (let n = 0; n < 3; n += 1) expect(limitsOf({ LIMITS: "like=none" })).toEqual(DEFAULT_LIMITS);
  expect(log).toHaveBeenCalledTimes(1);
  expect(log).toHaveBeenCalledWith("LIMITS is not valid, the default limits hold", {
    error: expect.stringContaining('"none" must be a number') as string,
  });
});

it("switches all limits off", () => {
  expect(limitsOf({ LIMITS: "off" })).toBeUndefined();
});

it("allows young accounts less, for a day", () => {
  const now = Date.now();
  const figuresAt = (age: number) => figuresFor(DEFAULT_LIMITS.post, newId<PersonId>(1, now - age), now);
  expect(figuresAt(YOUNG_FOR - 1)).toEqual(DEFAULT_LIMITS.post.young);
  expect(figuresAt(YOUNG_FOR)).toEqual(DEFAULT_LIMITS.post.figures);
  for (const { figures, young = figures } of Object.values(DEFAULT_LIMITS)) {
    for (const key of ["burst", "perMinute", "perDay"] as const) expect(young[key]).toBeLessThanOrEqual(figures[key]);
    expect(figures.burst).toBeLessThanOrEqual(figures.perDay);
  }
});
