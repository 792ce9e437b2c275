import type { PushMessage } from "../../schema/messages/push.ts";
import { quietUntil } from "./quiet-hours.ts";
import type { Entry } from "./standing.ts";

/**
 * What to do about the notifications of a batch. `due`: push to all devices of the recipient. `again`: retry one device
 * for the `attempt`th time. `held`: requeue `message` until `until`, in ms since 1970.
 */
export type Plan = {
  due: Entry[];
  again: { entry: Entry; endpoint: string; attempt: number }[];
  held: { entry: Entry; message: PushMessage; until: number }[];
};

/**
 * Plans a batch of messages from their notifications at `now` (ms since 1970). Messages without a notification are
 * ignored.
 */
export function planOf(messages: readonly PushMessage[], entries: readonly Entry[], now: number): Plan {
  const plan: Plan = { due: [], again: [], held: [] };
  for (const entry of entries) {
    const related = messages.filter((message) => isOf(entry, message));
    const quiet = quietOf(entry, now);
    for (const message of related) {
      if (!message.again) continue;
      if (quiet === undefined) plan.again.push({ entry, ...message.again });
      else plan.held.push({ entry, message, until: quiet });
    }
    const wakeUps = related.filter(({ again }) => !again);
    const message = wakeUps.find(({ held }) => held) ?? wakeUps[0];
    // No push is due, or another message is already waiting to push this notification.
    if (!message || entry.dueFrom === null || (!message.held && entry.heldUntil > now)) continue;
    const until = Math.max(entry.dueFrom, quiet ?? 0);
    if (until > now) plan.held.push({ entry, message, until });
    else plan.due.push(entry);
  }
  return plan;
}

const isOf = (entry: Entry, { recipient, kind, subject }: PushMessage): boolean =>
  entry.recipient === recipient && entry.kind === kind && entry.subject === subject;

/** When the recipient's quiet hours end; undefined outside them. */
const quietOf = ({ fromMinute, toMinute, timeZone }: Entry, now: number): number | undefined =>
  fromMinute === null || toMinute === null || timeZone === null
    ? undefined
    : quietUntil({ fromMinute, toMinute, timeZone }, now);
