/// <reference types="vite/types/importMeta.d.ts" />
/**
 * A test may set the clock of the Workers runtime, but D1, alarms and R2 keep the machine's. So a clock is only ever set
 * relative to now: a fixed date works on the day it was written, and a week later everything it creates is in the past.
 */
import { expect, it } from "vitest";

const tests = import.meta.glob<string>(
  ["/{workers,durable-objects,schema}/**/*.test.ts", "/tests/{runtime,product,histories}/**/*.ts"],
  { query: "?raw", import: "default", eager: true },
);
const SETS_A_CLOCK = /useFakeTimers\(|setSystemTime\(|spyOn\(Date, "now"\)/;
const FIXED_MOMENT =
  /Date\.UTC\(\s*2\d{3}|new Date\(\s*["'`]?2\d{3}|Date\.parse\(|["'`, ]2\d{3} \d\d:\d\d:\d\d GMT|\b1[6-9]\d{11}\b/;

it("recognizes a fixed moment", () => {
  for (const source of [
    "Date.UTC(2026, 10, 23)",
    'new Date("2026-11-23")',
    '"Mon, 23 Nov 2026 12:10:00 GMT"',
    "at(1795980333006)",
  ]) {
    expect(source).toMatch(FIXED_MOMENT);
  }
  expect("Date.now() + 20 * YEAR").not.toMatch(FIXED_MOMENT);
});

it("sets no clock to a fixed moment", () => {
  const setting = Object.entries(tests).filter(([file, source]) => SETS_A_CLOCK.test(source) && !isThis(file));
  expect(setting.length).toBeGreaterThan(10);
  expect(setting.filter(([, source]) => FIXED_MOMENT.test(source)).map(([file]) => file)).toEqual([]);
});

const isThis = (file: string): boolean => file.endsWith("/clocks.test.ts");
