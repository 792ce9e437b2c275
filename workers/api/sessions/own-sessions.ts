/** The viewer's sessions: listed, ended, and the current one renewed. */
import { createRoute, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { statement } from "../../../schema/d1/database.ts";
import { type Session, SessionList } from "../../../schema/api/accounts.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import { SessionId, timeOf } from "../../../schema/ids.ts";
import { logWarning } from "../../../schema/log.ts";
import { sessions } from "../../../schema/tables/people.ts";
import { pushSubscriptions } from "../../../schema/tables/push.ts";
import { type App, claimedViewer, json, refusals, requireViewer, routes } from "../../http/routes.ts";
import { forgetEnded } from "./begin-session.ts";
import { newToken } from "./tokens.ts";
import { beginSession } from "./viewer.ts";

export const ownSessions = routes();

// Costs one D1 query of the primary, because a replica may still list a session that has just been ended.
ownSessions.openapi(
  createRoute({
    method: "get",
    path: "/me/sessions",
    summary: "List the viewer's sessions, the one used last first",
    description: "At most 50, on a single page.",
    responses: { 200: json(SessionList), ...refusals },
  }),
  async (c) => {
    const { person, session } = claimedViewer(c);
    const rows = await c.var.reader.primary<Row>(person, OWN, person, Date.now());
    return c.json({ items: rows.map((row) => presentSession(row, session)) }, 200);
  },
);

ownSessions.openapi(
  createRoute({
    method: "delete",
    path: "/me/sessions",
    summary: "End all sessions of the viewer but the current one",
    responses: { 204: { description: "Ended" }, ...refusals },
  }),
  async (c) => {
    const { person, session } = await requireViewer(c);
    const [, ended] = await c.var.reader.write<{ id: SessionId }>(person, [
      statement(END_OTHER_SUBSCRIPTIONS, person, session),
      statement(END_OTHERS, person, session),
    ]);
    forgetEnded(
      c,
      person,
      (ended?.rows ?? []).map(({ id }) => id),
    );
    return c.body(null, 204);
  },
);

ownSessions.openapi(
  createRoute({
    method: "delete",
    path: "/me/sessions/{session}",
    summary: "End one of the viewer's sessions",
    description: "Its device is signed out everywhere as soon as D1's replicas have it, which takes a moment.",
    request: { params: z.object({ session: SessionId }) },
    responses: { 204: { description: "Ended" }, ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { session } = c.req.valid("param");
    // Goes to the viewer's own database, whatever shard the id names.
    const [, ended] = await c.var.reader.write(person, [
      statement(END_SUBSCRIPTIONS_OF, person, session),
      statement(END_ONE, person, session),
    ]);
    if ((ended?.changes ?? 0) === 0) throw new Refusal("session_not_found");
    forgetEnded(c, person, [session]);
    return c.body(null, 204);
  },
);

type Row = Pick<typeof sessions.$inferSelect, "id" | "device" | "place" | "usedAt" | "expiresAt">;

const OWN = textOf(sql`
  SELECT ${sessions.id}, ${sessions.device}, ${sessions.place}, ${sessions.usedAt} AS "usedAt",
    ${sessions.expiresAt} AS "expiresAt"
  FROM ${sessions} WHERE ${sessions.person} = ?1 AND ${sessions.expiresAt} > ?2
  ORDER BY ${sessions.usedAt} DESC, ${sessions.id} DESC`);
const END_OTHERS = textOf(sql`
  DELETE FROM ${sessions} WHERE ${sessions.person} = ?1 AND ${sessions.id} <> ?2 RETURNING ${bare(sessions.id)}`);
const END_ONE = textOf(sql`DELETE FROM ${sessions} WHERE ${sessions.person} = ?1 AND ${sessions.id} = ?2`);
const END_OTHER_SUBSCRIPTIONS = textOf(sql`
  DELETE FROM ${pushSubscriptions}
  WHERE ${pushSubscriptions.person} = ?1 AND ${pushSubscriptions.session} <> ?2`);
const END_SUBSCRIPTIONS_OF = textOf(sql`
  DELETE FROM ${pushSubscriptions}
  WHERE ${pushSubscriptions.person} = ?1 AND ${pushSubscriptions.session} = ?2`);

const presentSession = ({ id, device, place, usedAt, expiresAt }: Row, current: SessionId): Session => ({
  id,
  device,
  ...(place !== null && { place }),
  begunAt: new Date(timeOf(id)).toISOString(),
  lastUsedAt: new Date(Math.max(usedAt, timeOf(id))).toISOString(),
  endsAt: new Date(expiresAt).toISOString(),
  current: id === current,
});

/**
 * Gives the browser of a request a new secret for its session if the present one is a week old. The earlier one stays
 * valid until the new one has been used, because the response may get lost. Programs keep theirs. Costs nothing, or once a
 * week one D1 batch beside the work of the request. Never fails: the next request tries again.
 */
export async function renewSession(c: Context<App>): Promise<void> {
  if (c.req.header("authorization") !== undefined) return;
  try {
    const { reader } = c.var;
    const viewer = await reader.confirmedViewer();
    const renewal = (await reader.check())?.renewal;
    if (!viewer || !renewal) return;
    const { token, secretHash } = await newToken(c.env, viewer.person, viewer.session);
    const [renewed] = await reader.write(viewer.session, [
      statement(RENEW, viewer.session, secretHash, renewal.hash, renewal.before, Date.now()),
    ]);
    if (renewed && renewed.changes > 0) beginSession(c, token);
  } catch (error) {
    logWarning("session not renewed", { error: String(error) });
  }
}

// Of concurrent renewals one counts: it moves `renewed_at` past the `before` of the others.
const RENEW = textOf(sql`
  UPDATE ${sessions} SET ${bare(sessions.priorHash)} = ?3, ${bare(sessions.secretHash)} = ?2,
    ${bare(sessions.renewedAt)} = ?5
  WHERE ${sessions.id} = ?1 AND ${sessions.renewedAt} <= ?4
    AND (${sessions.secretHash} = ?3 OR ${sessions.priorHash} = ?3)`);
