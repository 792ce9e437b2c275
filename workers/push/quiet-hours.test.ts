import { expect, it } from "vitest";
import { quietUntil } from "./quiet-hours.ts";

const at = (time: string) => Date.parse(time);
const until = (hours: [from: string, to: string, timeZone: string], now: string): string | undefined => {
  const minute = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  const [from, to, timeZone] = hours;
  const end = quietUntil({ fromMinute: minute(from), toMinute: minute(to), timeZone }, at(now));
  return end === undefined ? undefined : new Date(end).toISOString();
};

it("includes the first minute and excludes the last, across midnight too", () => {
  const night: [string, string, string] = ["22:00", "07:00", "UTC"];
  expect(until(night, "2026-11-23T21:59:59.999Z")).toBeUndefined();
  expect(until(night, "2026-11-23T22:00:00Z")).toBe("2026-11-24T07:00:00.000Z");
  expect(until(night, "2026-11-24T06:59:59.999Z")).toBe("2026-11-24T07:00:00.000Z");
  expect(until(night, "2026-11-24T07:00:00Z")).toBeUndefined();
  const noon: [string, string, string] = ["12:00", "13:30", "UTC"];
  expect(until(noon, "2026-11-24T12:10:30Z")).toBe("2026-11-24T13:30:00.000Z");
  expect(until(noon, "2026-11-24T22:00:00Z")).toBeUndefined();
});

it("applies in the person's time zone, even with an offset of 5:45 hours", () => {
  const night = (zone: string): [string, string, string] => ["22:00", "07:00", zone];
  expect(until(night("Asia/Kathmandu"), "2026-11-23T16:14:00Z")).toBeUndefined(); // 21:59
  expect(until(night("Asia/Kathmandu"), "2026-11-23T16:15:00Z")).toBe("2026-11-24T01:15:00.000Z");
  expect(until(night("America/Los_Angeles"), "2026-11-23T05:59:00Z")).toBeUndefined();
  expect(until(night("America/Los_Angeles"), "2026-11-23T06:00:00Z")).toBe("2026-11-23T15:00:00.000Z");
});

it("is off by at most an hour when the clocks change in between", () => {
  // In Berlin the clocks went back from 3 to 2 that night, so 7:00 comes an hour later than computed. The caller asks
  // again.
  const night: [string, string, string] = ["22:00", "07:00", "Europe/Berlin"];
  expect(until(night, "2026-10-24T20:00:00Z")).toBe("2026-10-25T05:00:00.000Z");
  expect(until(night, "2026-10-25T05:00:00Z")).toBe("2026-10-25T06:00:00.000Z");
  expect(until(night, "2026-10-25T06:00:00Z")).toBeUndefined();
});

it("is never quiet with empty hours or an unknown time zone", () => {
  expect(until(["08:00", "08:00", "UTC"], "2026-11-23T08:00:00Z")).toBeUndefined();
  expect(until(["00:00", "23:59", "Mars/Olympus"], "2026-11-23T08:00:00Z")).toBeUndefined();
});
