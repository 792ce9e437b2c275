/** Notification preferences: the kinds that a person wants, from whom, and when. */
import { createRoute } from "@hono/zod-openapi";
import { NewPreferences, Preferences, type QuietHours } from "../../../schema/api/notifications.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { NotificationKind, type Who } from "../../../schema/notifications.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import type { Reader } from "../../storage/reader.ts";
import { body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const preferences = routes();

preferences.openapi(
  createRoute({
    method: "get",
    path: "/notifications/preferences",
    summary: "Get the viewer's notification preferences",
    responses: { 200: json(Preferences), ...refusals },
  }),
  async (c) => c.json(await preferencesOf(c.var.reader, requireViewer(c).person), 200),
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
    const { person } = requireViewer(c);
    const { kinds, quietHours } = c.req.valid("json");
    const database = databaseOf(c.env, person);
    const chosen = NotificationKind.options.flatMap((kind) => {
      const choice = kinds[kind];
      return choice ? [[kind, choice.who, Number(choice.push)]] : [];
    });
    const quiet = quietHours && [minuteOf(quietHours.from), minuteOf(quietHours.to), quietHours.timeZone];
    await c.var.reader.write(person, [
      database.prepare("DELETE FROM notification_preferences WHERE person = ?").bind(person),
      database.prepare(CHOOSE).bind(person, JSON.stringify(chosen)),
      database.prepare("DELETE FROM quiet_hours WHERE person = ?").bind(person),
      ...(quiet ? [database.prepare("INSERT INTO quiet_hours VALUES (?, ?, ?, ?)").bind(person, ...quiet)] : []),
    ]);
    return c.json(await preferencesOf(c.var.reader, person), 200);
  },
);

const CHOOSE = `
  INSERT INTO notification_preferences (person, kind, who, push)
  SELECT ?1, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?2)`;

type Choice = { kind: NotificationKind; who: Who; push: 0 | 1 };

/** Returns the preferences of a person, with defaults filled in. Costs one D1 call of two queries. */
async function preferencesOf(reader: Reader, person: PersonId): Promise<Preferences> {
  const [choices, [quiet]] = await Promise.all([
    reader.primary<Choice>(person, "SELECT kind, who, push FROM notification_preferences WHERE person = ?1", person),
    reader.primary<{ first: number; last: number; timeZone: string }>(person, QUIET, person),
  ]);
  const chosen = new Map(choices.map(({ kind, who, push }) => [kind, { who, push: push === 1 }]));
  const kinds = NotificationKind.options.map((kind) => [kind, chosen.get(kind) ?? { who: "everyone", push: true }]);
  const quietHours: QuietHours | null = quiet
    ? { from: timeOfDay(quiet.first), to: timeOfDay(quiet.last), timeZone: quiet.timeZone }
    : null;
  return { kinds: Object.fromEntries(kinds) as Preferences["kinds"], quietHours };
}

const QUIET = `
  SELECT from_minute AS first, to_minute AS last, time_zone AS timeZone FROM quiet_hours WHERE person = ?1`;

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const timeOfDay = (minute: number): string =>
  [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":");
