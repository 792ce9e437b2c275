/** How the entries that are to be pushed stand, and where to: read and written for a whole batch at once. */
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import type { PersonId, SessionId } from "../../schema/ids.ts";
import type { PushMessage } from "../../schema/messages/push.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import type { presentNotifications } from "../notifications/present-notifications.ts";
import type { Subscription } from "./deliver.ts";
import { DUE_FROM, IS_WANTED_ON_DEVICES } from "./due.ts";

/** A row of the inbox, and what decides whether it is pushed. Times in ms since 1970. */
export type Entry = Parameters<typeof presentNotifications>[1][number] & {
  recipient: PersonId;
  raised: number;
  dueFrom: number | null;
  heldUntil: number;
  fromMinute: number | null;
  toMinute: number | null;
  timeZone: string | null;
  hasBlocks: 0 | 1;
};

export type Device = Subscription & { person: PersonId; session: SessionId; failingSince: number | null };

/** `recent`: how many of a person's entries were pushed in the last minute. */
export type Standing = { entries: Entry[]; devices: Device[]; recent: Map<PersonId, number> };

/** A person's newest so many unread entries are looked at for how much they were told of late. */
const LOOKED_AT = 50;

/** Leaves out entries that were seen or taken back and those that are not wanted on devices. One D1 batch of 3 queries. */
export async function standingOf(
  database: D1Database,
  messages: readonly PushMessage[],
  now: number,
): Promise<Standing> {
  const keys = JSON.stringify(messages.map(({ recipient, kind, subject }) => [recipient, kind, subject]));
  const people = JSON.stringify([...new Set(messages.map(({ recipient }) => recipient))]);
  const asked = database.batch([
    database.prepare(ENTRIES).bind(keys),
    database.prepare(DEVICES).bind(people, now),
    database.prepare(RECENT).bind(people, now - 60_000),
  ]);
  const [entries, devices, recent] = await within(STORE_ANSWERS_WITHIN, asked, "D1");
  const counts = (recent?.results ?? []) as { person: PersonId; pushes: number }[];
  return {
    entries: (entries?.results ?? []) as Entry[],
    devices: (devices?.results ?? []) as Device[],
    recent: new Map(counts.map(({ person, pushes }) => [person, pushes])),
  };
}

const ENTRIES = `
  SELECT recipient, notifications.kind, subject, post, actors, count, excerpt, at, 1 AS unread, raised,
    ${DUE_FROM} AS dueFrom, push_held_until AS heldUntil,
    from_minute AS fromMinute, to_minute AS toMinute, time_zone AS timeZone,
    EXISTS (SELECT 1 FROM ${ACTIVE_BLOCKS} WHERE blocks.person = recipient AND ${IS_ACTIVE}) AS hasBlocks
  FROM (SELECT DISTINCT value FROM json_each(?1))
  CROSS JOIN notifications ON recipient = value ->> 0 AND notifications.kind = value ->> 1 AND subject = value ->> 2
  LEFT JOIN quiet_hours ON quiet_hours.person = recipient
  WHERE count > 0 AND raised > seen AND ${IS_WANTED_ON_DEVICES}`;

// Beside their sessions, so that one that is over, however it ended, is never pushed to.
const DEVICES = `
  SELECT push_subscriptions.person, endpoint, p256dh, auth, session, failing_since AS failingSince FROM json_each(?1)
  CROSS JOIN push_subscriptions ON push_subscriptions.person = value
  CROSS JOIN sessions ON sessions.id = session AND expires_at > ?2`;

const RECENT = `
  SELECT value AS person, (
    SELECT count(*) FROM (
      SELECT pushed_at FROM notifications INDEXED BY notifications_unread
      WHERE recipient = value AND count > 0 AND raised > seen ORDER BY at DESC LIMIT ${LOOKED_AT})
    WHERE pushed_at > ?2) AS pushes
  FROM json_each(?1)`;

/** What came of a batch. `pushed` are entries that need no push any more as they stood; a device fails since `since`, or not. */
export type Results = {
  pushed: { entry: Entry; isCounted: boolean }[];
  held: { entry: Entry; until: number }[];
  gone: Device[];
  failing: { device: Device; since: number | null }[];
};

/** For a batch. Nothing goes back: what was pushed in the meantime, or is held for longer, stays so. */
export function resultStatements(
  database: D1Database,
  { pushed, held, gone, failing }: Results,
  now: number,
): D1PreparedStatement[] {
  const keyOf = ({ recipient, kind, subject }: Entry) => [recipient, kind, subject];
  return [
    ...setBased(
      database,
      PUSHED,
      pushed.map(({ entry, isCounted }) => [...keyOf(entry), entry.raised, isCounted ? now : 0]),
    ),
    ...setBased(
      database,
      HELD,
      held.map(({ entry, until }) => [...keyOf(entry), until]),
    ),
    ...setBased(
      database,
      GONE,
      gone.map(({ person, endpoint }) => [person, endpoint]),
    ),
    ...setBased(
      database,
      FAILING,
      failing.map(({ device, since }) => [device.person, device.endpoint, since]),
    ),
  ];
}

const OF_ENTRY = "recipient = value ->> 0 AND kind = value ->> 1 AND subject = value ->> 2";
const PUSHED = `
  UPDATE notifications SET pushed = value ->> 3, pushed_at = max(pushed_at, value ->> 4) FROM json_each(?1)
  WHERE ${OF_ENTRY} AND pushed < value ->> 3`;
const HELD = `
  UPDATE notifications SET push_held_until = value ->> 3 FROM json_each(?1)
  WHERE ${OF_ENTRY} AND push_held_until < value ->> 3`;
const GONE = `
  DELETE FROM push_subscriptions
  WHERE (person, endpoint) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))`;
const FAILING = `
  UPDATE push_subscriptions SET failing_since = value ->> 2 FROM json_each(?1)
  WHERE person = value ->> 0 AND endpoint = value ->> 1`;
