/** Two minutes of the day in a time zone. `fromMinute` is greater than `toMinute` if the hours span midnight. */
export type QuietHours = { fromMinute: number; toMinute: number; timeZone: string };

const MINUTE = 60_000;
const DAY = 24 * 60;

/** Returns when the quiet hours around `now` end (both in ms since 1970), or undefined if `now` is outside them. */
export function quietUntil({ fromMinute, toMinute, timeZone }: QuietHours, now: number): number | undefined {
  const minute = minuteOfDay(timeZone, now);
  if (minute === undefined) return undefined;
  const length = (toMinute - fromMinute + DAY) % DAY;
  const since = (minute - fromMinute + DAY) % DAY;
  // May be an hour off when the clocks change in between. Callers ask again when the time comes.
  return since < length ? now - (now % MINUTE) + (length - since) * MINUTE : undefined;
}

/** Returns undefined for a time zone that this runtime does not know. */
function minuteOfDay(timeZone: string, now: number): number | undefined {
  try {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "numeric", minute: "numeric", hourCycle: "h23" });
    const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, Number(value)]));
    return (parts.get("hour") ?? 0) * 60 + (parts.get("minute") ?? 0);
  } catch {
    return undefined;
  }
}
