/** Notification preferences: the kinds that a person wants, from whom, and when. */
import { sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import { createRoute } from "@hono/zod-openapi";
import { NewPreferences, Preferences, type QuietHours } from "../../../schema/api/notifications.ts";
import { bare, list, rowsOf, textOf } from "../../../schema/d1/sql.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { OptionalKind } from "../../../schema/notifications.ts";
import { notificationPreferences, quietHours as quietHoursTable } from "../../../schema/tables/notifications.ts";
import type { Reader } from "../../storage/reader.ts";
import { claimedViewer, body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const preferences = routes();

preferences.openapi(
  createRoute({
    method: "get",
    path: "/notifications/preferences",
    summary: "Get the viewer's notification preferences",
    responses: { 200: json(Preferences), ...refusals },
  }),
  async (c) => c.json(await preferencesOf(c.var.reader, claimedViewer(c).person), 200),
);

preferences.openapi(
  createRoute({
    method: "put",
    path: "/notifications/preferences",
    summary: "Set the viewer's notification preferences",
    description: "Replaces all earlier preferences, and applies to what happens from now on.",
    request: body(NewPreferences),
    responses: { 200: json(Preferences), ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { kinds, quietHours } = c.req.valid("json");
    const chosen = OptionalKind.options.flatMap((kind): (typeof CHOICES.Row)[] => {
      const choice = kinds[kind];
      return choice ? [{ kind, who: choice.who, push: choice.push }] : [];
    });
    const quiet = quietHours && [minuteOf(quietHours.from), minuteOf(quietHours.to), quietHours.timeZone];
    await c.var.reader.write(person, [
      statement(FORGET_CHOICES, person),
      statement(CHOOSE, person, JSON.stringify(chosen)),
      statement(END_QUIET_HOURS, person),
      ...(quiet ? [statement(SET_QUIET_HOURS, person, ...quiet)] : []),
    ]);
    return c.json(await preferencesOf(c.var.reader, person), 200);
  },
);

const CHOICES = rowsOf(notificationPreferences, ["kind", "who", "push"]);
const FORGET_CHOICES = textOf(sql`
  DELETE FROM ${notificationPreferences} WHERE ${notificationPreferences.person} = ?1`);
const CHOOSE = textOf(sql`
  INSERT INTO ${notificationPreferences} (${bare(notificationPreferences.person)}, ${CHOICES.columns})
  SELECT ?1, ${CHOICES.values} FROM json_each(?2)`);
const END_QUIET_HOURS = textOf(sql`DELETE FROM ${quietHoursTable} WHERE ${quietHoursTable.person} = ?1`);
const SET_QUIET_HOURS = textOf(sql`
  INSERT INTO ${quietHoursTable}
    (${list(quietHoursTable.person, quietHoursTable.fromMinute, quietHoursTable.toMinute, quietHoursTable.timeZone)})
  VALUES (?1, ?2, ?3, ?4)`);

type Choice = Omit<typeof CHOICES.Row, "push"> & { push: 0 | 1 };
type Quiet = Omit<typeof quietHoursTable.$inferSelect, "person">;

/** Returns the preferences of a person, with defaults filled in. Costs one D1 call of two queries. */
async function preferencesOf(reader: Reader, person: PersonId): Promise<Preferences> {
  const [choices, [quiet]] = await Promise.all([
    reader.replica<Choice>(person, CHOSEN, person),
    reader.replica<Quiet>(person, QUIET, person),
  ]);
  const chosen = new Map(choices.map(({ kind, who, push }) => [kind, { who, push: push === 1 }]));
  const kinds = OptionalKind.options.map((kind) => [kind, chosen.get(kind) ?? { who: "everyone", push: true }]);
  const quietHours: QuietHours | null = quiet
    ? { from: timeOfDay(quiet.fromMinute), to: timeOfDay(quiet.toMinute), timeZone: quiet.timeZone }
    : null;
  return { kinds: Object.fromEntries(kinds) as Preferences["kinds"], quietHours };
}

const CHOSEN = textOf(sql`
  SELECT ${notificationPreferences.kind}, ${notificationPreferences.who}, ${notificationPreferences.push}
  FROM ${notificationPreferences} WHERE ${notificationPreferences.person} = ?1`);
const QUIET = textOf(sql`
  SELECT ${quietHoursTable.fromMinute} AS "fromMinute", ${quietHoursTable.toMinute} AS "toMinute",
    ${quietHoursTable.timeZone} AS "timeZone"
  FROM ${quietHoursTable} WHERE ${quietHoursTable.person} = ?1`);

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const timeOfDay = (minute: number): string =>
  [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":");
