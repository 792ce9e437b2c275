/** Signing in and out. */
import { statement } from "../../../schema/d1/database.ts";
import { createRoute } from "@hono/zod-openapi";
import { and, eq, sql } from "drizzle-orm";
import { type PersonCard, SignedIn, SignIn } from "../../../schema/api/people.ts";
import { newId, type PersonId, type SessionId } from "../../../schema/ids.ts";
import { isWritableSql } from "../../../schema/d1/shard-sql.ts";
import { databaseOf, shardOfHandle } from "../../../schema/d1/shards.ts";
import { list, textOf } from "../../../schema/d1/sql.ts";
import { credentials, people, sessions as sessionsTable } from "../../../schema/tables/people.ts";
import { closeSockets } from "../../notifications/socket-hints.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { endSubscriptions } from "../../push/subscriptions.ts";
import { claimantOf } from "../../reads/people.ts";
import { countAttempt } from "./attempts.ts";
import { refuseOtherSites } from "../../http/cross-site.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { verifyPassword } from "./passwords.ts";
import { body, json, refusals, refuseWrongToken, routes, requireViewer } from "../../http/routes.ts";
import { forgetSession, newSession, SESSION_LASTS } from "./tokens.ts";
import { beginSession, endSession } from "./viewer.ts";

/** How many expired sessions a sign-in deletes: more than the one it adds, so that they never pile up. */
const SWEPT_PER_SIGN_IN = 10;

export const sessions = routes();

// Costs three D1 queries, the last only if the password is right. An unknown handle costs as much as a wrong password.
sessions.openapi(
  createRoute({
    method: "post",
    path: "/sessions",
    summary: "Sign in",
    description: "The token is set as a cookie too, for browsers. Allows ten attempts a minute for one handle.",
    request: body(SignIn),
    responses: { 201: json(SignedIn, "Signed in"), ...refusals },
  }),
  async (c) => {
    refuseOtherSites(c.req.raw);
    await refuseWrongToken(c);
    const { handle, password } = c.req.valid("json");
    await countAttempt(c, "sign-in", handle);
    const known = await credentialsOf(c.env, handle);
    const right = await verifyPassword(password, known?.password);
    if (!known || !right) throw new Refusal("wrong_credentials");
    const token = await startSession(c.env, known.person.id);
    beginSession(c, token);
    return c.json({ person: known.person, token }, 201);
  },
);

sessions.openapi(
  createRoute({
    method: "delete",
    path: "/sessions/current",
    summary: "Sign out",
    description: "The token is rejected everywhere as soon as D1's replicas have it, which takes a moment.",
    responses: { 204: { description: "Signed out" }, ...refusals },
  }),
  async (c) => {
    const viewer = await requireViewer(c);
    const { person, session } = viewer;
    await c.var.reader.write(session, [statement(END, session), endSubscriptions(viewer)]);
    forgetSession(session);
    await closeSockets(c.env, person, session);
    endSession(c);
    return c.body(null, 204);
  },
);

const END = textOf(sql`DELETE FROM ${sessionsTable} WHERE ${sessionsTable.id} = ?1`);

/** Queries for the credentials of nobody if the handle is unknown, so that the response time does not reveal it. */
async function credentialsOf(env: Env, handle: string): Promise<{ person: PersonCard; password: string } | undefined> {
  const id = (await claimantOf(env, handle)) ?? newId<PersonId>(shardOfHandle(handle), 0, 0);
  const [row] = await databaseOf(env, id)
    .orm.select({
      person: { id: people.id, handle: people.handle, name: people.name },
      password: credentials.password,
    })
    .from(people)
    .innerJoin(credentials, eq(credentials.person, people.id))
    .where(and(eq(people.id, id), eq(people.handle, handle)));
  return row;
}

/**
 * Writes a session and returns its token; also deletes some expired ones. Ids are in order of time and all sessions
 * last equally long, so the expired ones come first in their table. Costs one D1 batch.
 */
async function startSession(env: Env, person: PersonId): Promise<string> {
  const database = databaseOf(env, person);
  const oldestAlive = newId<SessionId>(0, Date.now() - SESSION_LASTS, 0);
  return withFreshIds(async () => {
    const { token, row } = await newSession(env, person);
    await database.batch([
      statement(BEGIN, row.id, row.person, row.secretHash, row.expiresAt),
      statement(SWEEP, oldestAlive, SWEPT_PER_SIGN_IN),
    ]);
    return token;
  });
}

const BEGIN = textOf(sql`
  INSERT INTO ${sessionsTable}
    (${list(sessionsTable.id, sessionsTable.person, sessionsTable.secretHash, sessionsTable.expiresAt)})
  VALUES (?1, ?2, ?3, ?4)`);
const SWEEP = textOf(sql`
  DELETE FROM ${sessionsTable} WHERE ${sessionsTable.id} IN (
    SELECT ${sessionsTable.id} FROM ${sessionsTable}
    WHERE ${sessionsTable.id} < ?1 AND ${isWritableSql(sessionsTable.id)}
    ORDER BY ${sessionsTable.id} LIMIT ?2)`);
