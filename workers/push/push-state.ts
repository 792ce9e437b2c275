/** Reads the state that a batch of pushes depends on, and writes its results: one D1 batch each. */
import { statement, type Statement, type Database } from "../../schema/d1/database.ts";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import type { PersonId, SessionId } from "../../schema/ids.ts";
import type { PushMessage } from "../../schema/messages/push.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import type { presentNotifications } from "../notifications/present-notifications.ts";
import type { Subscription } from "./deliver.ts";
import { DUE_FROM, WANTS_PUSH } from "./due.ts";

/** A notification, and what decides whether it is pushed. Times are in ms since 1970. */
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

/** A subscription of a person's browser. `failingSince` is in ms since 1970, or null while pushes reach it. */
export type Device = Subscription & { person: PersonId; session: SessionId; failingSince: number | null };

/** `recent` says how many pushes each person got in the last minute. */
export type PushState = { entries: Entry[]; devices: Device[]; recent: Map<PersonId, number> };

/** How many of a person's newest unread notifications are searched for recent pushes. */
const RECENT_MAX = 50;

/**
 * Reads the notifications that `messages` name, and the devices and recent pushes of their recipients. Omits
 * notifications that are read, taken back, or unwanted on devices. Costs one D1 batch of 3 queries.
 */
export async function readPushState(
  database: Database,
  messages: readonly PushMessage[],
  now: number,
): Promise<PushState> {
  const keys = JSON.stringify(messages.map(({ recipient, kind, subject }) => [recipient, kind, subject]));
  const people = JSON.stringify([...new Set(messages.map(({ recipient }) => recipient))]);
  const batch = database.patient.batch([
    statement(ENTRIES, keys),
    statement(DEVICES, people, now),
    statement(RECENT, people, now - 60_000),
  ]);
  const [entries, devices, recent] = await within(STORE_TIMEOUT, batch, "D1");
  const counts = (recent?.rows ?? []) as { person: PersonId; pushes: number }[];
  return {
    entries: (entries?.rows ?? []) as Entry[],
    devices: (devices?.rows ?? []) as Device[],
    recent: new Map(counts.map(({ person, pushes }) => [person, pushes])),
  };
}

const ENTRIES = `
  SELECT recipient, notifications.kind, subject, post, actors, count, excerpt, at, 1 AS unread, raised,
    ${DUE_FROM} AS dueFrom, push_held_until AS heldUntil,
    from_minute AS fromMinute, to_minute AS toMinute, time_zone AS timeZone,
    EXISTS (SELECT 1 FROM ${textOf(ACTIVE_BLOCKS)} WHERE blocks.person = recipient AND ${textOf(IS_ACTIVE)}) AS hasBlocks
  FROM (SELECT DISTINCT value FROM json_each(?1))
  CROSS JOIN notifications ON recipient = value ->> 0 AND notifications.kind = value ->> 1 AND subject = value ->> 2
  LEFT JOIN quiet_hours ON quiet_hours.person = recipient
  WHERE count > 0 AND raised > seen AND ${WANTS_PUSH}`;

// Joined with their sessions, so that nothing is pushed to a session that has ended, however it ended.
const DEVICES = `
  SELECT push_subscriptions.person, endpoint, p256dh, auth, session, failing_since AS failingSince FROM json_each(?1)
  CROSS JOIN push_subscriptions ON push_subscriptions.person = value
  CROSS JOIN sessions ON sessions.id = session AND expires_at > ?2`;

const RECENT = `
  SELECT value AS person, (
    SELECT count(*) FROM (
      SELECT pushed_at FROM notifications INDEXED BY notifications_unread
      WHERE recipient = value AND count > 0 AND raised > seen ORDER BY at DESC LIMIT ${RECENT_MAX})
    WHERE pushed_at > ?2) AS pushes
  FROM json_each(?1)`;

/**
 * The results of a batch. `pushed`: notifications that need no further push in the version that was read. `held`: those
 * that wait until `until`. `gone`: devices to delete. `failing`: devices that began to fail at `since`, or work again
 * if null.
 */
export type BatchResults = {
  pushed: { entry: Entry; isCounted: boolean }[];
  held: { entry: Entry; until: number }[];
  gone: Device[];
  failing: { device: Device; since: number | null }[];
};

/** Statements that store the results. They only move forward: a newer push or a longer hold in the row is kept. */
export function resultStatements({ pushed, held, gone, failing }: BatchResults, now: number): Statement[] {
  const keyOf = ({ recipient, kind, subject }: Entry) => [recipient, kind, subject];
  return [
    ...setBased(
      PUSHED,
      pushed.map(({ entry, isCounted }) => [...keyOf(entry), entry.raised, isCounted ? now : 0]),
    ),
    ...setBased(
      HELD,
      held.map(({ entry, until }) => [...keyOf(entry), until]),
    ),
    ...setBased(
      GONE,
      gone.map(({ person, endpoint }) => [person, endpoint]),
    ),
    ...setBased(
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
