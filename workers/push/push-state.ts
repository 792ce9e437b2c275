/** Reads the state that a batch of pushes depends on, and writes its results: one D1 batch each. */
import { sql } from "drizzle-orm";
import { statement, type Statement, type Database } from "../../schema/d1/database.ts";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../schema/d1/blocks.ts";
import type { PersonId } from "../../schema/ids.ts";
import type { PushMessage } from "../../schema/messages/push.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { bare, fieldsOf, jsonFieldsOf, literal, rowsOf, textOf } from "../../schema/d1/sql.ts";
import { notifications, quietHours } from "../../schema/tables/notifications.ts";
import { blocks, people, sessions } from "../../schema/tables/people.ts";
import { pushSubscriptions } from "../../schema/tables/push.ts";
import { ENTRY_COLUMNS, type InboxEntry } from "../notifications/inbox.ts";
import { keyOf, KEYS, type NotificationKey } from "../notifications/notification-keys.ts";
import { IS_KNOWN } from "../notifications/inbox-limit.ts";
import { DUE_FROM, WANTS_PUSH } from "./due.ts";
import { PUSHES_A_MINUTE, type RecentPush } from "./pace.ts";

type Notification = typeof notifications.$inferSelect;
type Hours = typeof quietHours.$inferSelect;

/** A notification, and what decides whether it is pushed. Times are in ms since 1970. */
export type Entry = InboxEntry &
  Pick<Notification, "recipient" | "raised"> & {
    dueFrom: number | null;
    heldUntil: Notification["pushHeldUntil"];
    /** Whether only people have raised it whom the recipient does not follow. */
    isStrange: 0 | 1;
    fromMinute: Hours["fromMinute"] | null;
    toMinute: Hours["toMinute"] | null;
    timeZone: Hours["timeZone"] | null;
    hasBlocks: 0 | 1;
  };

/** A subscription of a person's browser. `failingSince` is in ms since 1970, or null while pushes reach it. */
export type Device = Pick<
  typeof pushSubscriptions.$inferSelect,
  "person" | "endpoint" | "p256dh" | "auth" | "session" | "failingSince"
>;

/** `recent`: the pushes that each person got in the last minute. */
export type PushState = { entries: Entry[]; devices: Device[]; recent: Map<PersonId, RecentPush[]> };

const MINUTE = 60_000; // ms

/**
 * Reads the notifications that `messages` name, and the devices and recent pushes of their recipients. Omits
 * notifications that are read, taken back, or unwanted on devices. Costs one D1 batch of 3 queries.
 */
export async function readPushState(
  database: Database,
  messages: readonly PushMessage[],
  now: number,
): Promise<PushState> {
  const keys = JSON.stringify(messages.map(keyOf));
  const recipients = JSON.stringify([...new Set(messages.map(({ recipient }) => recipient))]);
  const [entries, devices, recent] = await database.patient.batch([
    statement(ENTRIES, keys),
    statement(DEVICES, recipients, now),
    statement(RECENT, recipients),
  ]);
  const pushed = (recent?.rows ?? []) as Recent[];
  return {
    entries: (entries?.rows ?? []) as Entry[],
    devices: (devices?.rows ?? []) as Device[],
    recent: new Map(
      pushed.map(({ person, pushes }) => {
        const all = JSON.parse(pushes) as RecentPush[];
        return [person, all.filter(({ at }) => at > now - MINUTE)];
      }),
    ),
  };
}

const ENTRIES = textOf(sql`
  SELECT ${notifications.recipient}, ${ENTRY_COLUMNS}, ${notifications.raised},
    ${DUE_FROM} AS "dueFrom", ${notifications.pushHeldUntil} AS "heldUntil",
    NOT ${IS_KNOWN} AS "isStrange",
    ${quietHours.fromMinute} AS "fromMinute", ${quietHours.toMinute} AS "toMinute",
    ${quietHours.timeZone} AS "timeZone",
    EXISTS (
      SELECT 1 FROM ${ACTIVE_BLOCKS} WHERE ${blocks.person} = ${notifications.recipient} AND ${IS_ACTIVE}
    ) AS "hasBlocks"
  FROM (SELECT DISTINCT value FROM json_each(?1))
  CROSS JOIN ${notifications} ON ${KEYS.matches}
  LEFT JOIN ${quietHours} ON ${quietHours.person} = ${notifications.recipient}
  WHERE ${notifications.count} > 0 AND ${notifications.raised} > ${notifications.seen} AND ${WANTS_PUSH}`);

// Joined with their sessions, so that nothing is pushed to a session that has ended, however it ended.
const DEVICES = textOf(sql`
  SELECT ${pushSubscriptions.person}, ${pushSubscriptions.endpoint}, ${pushSubscriptions.p256dh},
    ${pushSubscriptions.auth}, ${pushSubscriptions.session}, ${pushSubscriptions.failingSince} AS "failingSince"
  FROM json_each(?1)
  CROSS JOIN ${pushSubscriptions} ON ${pushSubscriptions.person} = value
  CROSS JOIN ${sessions} ON ${sessions.id} = ${pushSubscriptions.session} AND ${sessions.expiresAt} > ?2`);

type Recent = { person: PersonId; pushes: string };
const RECENT = textOf(sql`
  SELECT ${people.id} AS "person", ${people.recentPushes} AS "pushes"
  FROM json_each(?1) CROSS JOIN ${people} ON ${people.id} = value`);

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
  return [
    ...setBased(
      STORE_PUSHED,
      pushed.map(({ entry, isCounted }): PushedRow => ({
        ...keyOf(entry),
        pushed: entry.raised,
        pushedAt: isCounted ? now : 0,
      })),
    ),
    ...setBased(STORE_RECENT, recentOf(pushed, now)),
    ...setBased(
      STORE_HELD,
      held.map(({ entry, until }): HeldRow => ({ ...keyOf(entry), pushHeldUntil: until })),
    ),
    ...setBased(
      DELETE_GONE,
      gone.map(({ person, endpoint }): typeof DEVICE_KEYS.Row => ({ person, endpoint })),
    ),
    ...setBased(
      STORE_FAILING,
      failing.map(({ device: { person, endpoint }, since }): FailingRow => ({ person, endpoint, failingSince: since })),
    ),
  ];
}

const PUSHED = rowsOf(notifications, ["pushed", "pushedAt"]);
type PushedRow = NotificationKey & typeof PUSHED.Row;
const STORE_PUSHED = textOf(sql`
  UPDATE ${notifications} SET ${bare(notifications.pushed)} = ${PUSHED.value("pushed")},
    ${bare(notifications.pushedAt)} = max(${notifications.pushedAt}, ${PUSHED.value("pushedAt")})
  FROM json_each(?1) WHERE ${KEYS.matches} AND ${notifications.pushed} < ${PUSHED.value("pushed")}`);

type RecentRow = { person: PersonId; pushes: RecentPush[] };

/** Returns the pushes of each person that count. */
function recentOf(pushed: BatchResults["pushed"], now: number): RecentRow[] {
  const counted = pushed.filter(({ isCounted }) => isCounted);
  return [...Map.groupBy(counted, ({ entry }) => entry.recipient)].map(([person, own]) => ({
    person,
    pushes: own.map(({ entry: { isStrange } }) => ({ at: now, isStrange })),
  }));
}

const added = fieldsOf<RecentRow>("added.value");
const STORE_RECENT = textOf(sql`
  UPDATE ${people} SET ${bare(people.recentPushes)} = (
    SELECT json_group_array(json(push)) FROM (
      SELECT push FROM (
        SELECT value AS push FROM json_each(${people.recentPushes})
        UNION ALL SELECT value FROM json_each(${jsonFieldsOf<RecentRow>("added.value")("pushes")}))
      ORDER BY push ->> 'at' DESC LIMIT ${literal(PUSHES_A_MINUTE)}))
  FROM json_each(?1) AS added WHERE ${people.id} = ${added("person")}`);

const HELD = rowsOf(notifications, ["pushHeldUntil"]);
type HeldRow = NotificationKey & typeof HELD.Row;
const STORE_HELD = textOf(sql`
  UPDATE ${notifications} SET ${bare(notifications.pushHeldUntil)} = ${HELD.values} FROM json_each(?1)
  WHERE ${KEYS.matches} AND ${notifications.pushHeldUntil} < ${HELD.values}`);

const DEVICE_KEYS = rowsOf(pushSubscriptions, ["person", "endpoint"]);
const DELETE_GONE = textOf(sql`
  DELETE FROM ${pushSubscriptions}
  WHERE (${DEVICE_KEYS.columns}) IN (SELECT ${DEVICE_KEYS.values} FROM json_each(?1))`);

const FAILING = rowsOf(pushSubscriptions, ["failingSince"]);
type FailingRow = typeof DEVICE_KEYS.Row & typeof FAILING.Row;
const STORE_FAILING = textOf(sql`
  UPDATE ${pushSubscriptions} SET ${bare(pushSubscriptions.failingSince)} = ${FAILING.values}
  FROM json_each(?1) WHERE ${DEVICE_KEYS.matches}`);
