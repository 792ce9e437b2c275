/** Minutes of a day, in a time zone; the first may be the later one. */
export type QuietHours = { fromMinute: number; toMinute: number; timeZone: string };

const MINUTE = 60_000;
const DAY = 24 * 60;

/** When the quiet hours end in which `now` lies (both in ms since 1970); undefined when it lies in none. */
export function quietUntil({ fromMinute, toMinute, timeZone }: QuietHours, now: number): number | undefined {
  const minute = minuteOfDay(timeZone, now);
  if (minute === undefined) return undefined;
  const length = (toMinute - fromMinute + DAY) % DAY;
  const since = (minute - fromMinute + DAY) % DAY;
  // Where clocks are changed in between it may be an hour off: whoever waits for it asks again then.
  return since < length ? now - (now % MINUTE) + (length - since) * MINUTE : undefined;
}

/** Undefined in a time zone that this runtime does not know. */
function minuteOfDay(timeZone: string, now: number): number | undefined {
  try {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "numeric", minute: "numeric", hourCycle: "h23" });
    const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, Number(value)]));
    return (parts.get("hour") ?? 0) * 60 + (parts.get("minute") ?? 0);
  } catch {
    return undefined;
  }
}
