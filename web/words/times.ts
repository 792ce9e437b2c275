/** Formats times for people. */
import { signal } from "@preact/signals";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

const relative = new Intl.RelativeTimeFormat("en-GB", { style: "narrow", numeric: "auto" });
const dayAndMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayMonthYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" });

/** The current time, advanced every 30 s, so that a page left open does not go on saying "5m ago". */
export const now = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, MINUTE / 2);

export const fullDate = (at: Date): string => whole.format(at);

/** How long ago `at` was, in short form ("5m ago"); its date when that is a week or more. */
export function ago(at: Date): string {
  const elapsed = now.value - at.getTime();
  if (elapsed < MINUTE) return "just now";
  if (elapsed < HOUR) return relative.format(-Math.floor(elapsed / MINUTE), "minute");
  if (elapsed < DAY) return relative.format(-Math.floor(elapsed / HOUR), "hour");
  if (elapsed < WEEK) return relative.format(-Math.floor(elapsed / DAY), "day");
  const sameYear = at.getFullYear() === new Date(now.value).getFullYear();
  return (sameYear ? dayAndMonth : dayMonthYear).format(at);
}
