import type { PushMessage } from "../../schema/messages/push.ts";
import { quietUntil } from "./quiet-hours.ts";
import type { Entry } from "./standing.ts";

/** `due`: to all devices of the recipient. `again`: to one of them, for the `attempt`th time. `until` is in ms since 1970. */
export type Plan = {
  due: Entry[];
  again: { entry: Entry; endpoint: string; attempt: number }[];
  held: { entry: Entry; message: PushMessage; until: number }[];
};

/** What is to be done at `now` (ms since 1970) about messages whose entries stand like this. Those without one need nothing. */
export function planOf(messages: readonly PushMessage[], entries: readonly Entry[], now: number): Plan {
  const plan: Plan = { due: [], again: [], held: [] };
  for (const entry of entries) {
    const about = messages.filter((message) => isOf(entry, message));
    const quiet = quietOf(entry, now);
    for (const message of about) {
      if (!message.again) continue;
      if (quiet === undefined) plan.again.push({ entry, ...message.again });
      else plan.held.push({ entry, message, until: quiet });
    }
    const wakeUps = about.filter(({ again }) => !again);
    const message = wakeUps.find(({ held }) => held) ?? wakeUps[0];
    // Nothing new, or another message waits to push it.
    if (!message || entry.dueFrom === null || (!message.held && entry.heldUntil > now)) continue;
    const until = Math.max(entry.dueFrom, quiet ?? 0);
    if (until > now) plan.held.push({ entry, message, until });
    else plan.due.push(entry);
  }
  return plan;
}

const isOf = (entry: Entry, { recipient, kind, subject }: PushMessage): boolean =>
  entry.recipient === recipient && entry.kind === kind && entry.subject === subject;

const quietOf = ({ fromMinute, toMinute, timeZone }: Entry, now: number): number | undefined =>
  fromMinute === null || toMinute === null || timeZone === null
    ? undefined
    : quietUntil({ fromMinute, toMinute, timeZone }, now);
