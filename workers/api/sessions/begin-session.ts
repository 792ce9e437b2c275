/** Begins sessions, and ends those that a new one replaces. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "hono";
import { statement, type Statement } from "../../../schema/d1/database.ts";
import { newId, type PersonId, type SessionId } from "../../../schema/ids.ts";
import { isWritableSql } from "../../../schema/d1/shard-sql.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { list, textOf } from "../../../schema/d1/sql.ts";
import { sessions } from "../../../schema/tables/people.ts";
import { logWarning } from "../../../schema/log.ts";
import { signInNotification, signInStatement } from "../../notifications/sign-in-notifications.ts";
import { closeSockets } from "../../notifications/socket-hints.ts";
import { announce } from "../../push/announce.ts";
import { endSubscriptions } from "../../push/subscriptions.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import type { Viewer } from "../../storage/viewer.ts";
import type { App } from "../../http/routes.ts";
import { isKnownDevice, type Origin, originOf, rememberDevice } from "./devices.ts";
import { forgetSession, newSession, SESSION_LASTS } from "./tokens.ts";
import { beginSession } from "./viewer.ts";

/** The most sessions that one person keeps. Those used longest ago end. */
export const SESSIONS_MAX = 50;
/** How many sessions of anybody a sign-in deletes that are older than any session gets, so that they never pile up. */
const SWEPT_PER_SIGN_IN = 10;

type Row = Awaited<ReturnType<typeof newSession>>["row"];

/** Statements that write a session of `person`, and keep the number of their sessions within SESSIONS_MAX. */
export const sessionStatements = ({ id, person, secretHash, expiresAt, usedAt }: Row, origin: Origin): Statement[] => [
  statement(BEGIN, id, person, secretHash, expiresAt, usedAt, origin.device, origin.place),
  statement(TRIM, person, usedAt, SESSIONS_MAX),
  statement(SWEEP, newId<SessionId>(0, usedAt - SESSION_LASTS, 0), SWEPT_PER_SIGN_IN),
];

/** Returns a statement that adds a session: its id, person, secret's hash, end, last use, device and place, from `values`. */
export const beginSql = (values: SQL): string =>
  textOf(sql`
    INSERT INTO ${sessions} (${list(
      sessions.id,
      sessions.person,
      sessions.secretHash,
      sessions.expiresAt,
      sessions.usedAt,
      sessions.device,
      sessions.place,
    )})
    ${values}`);

const BEGIN = beginSql(sql`VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`);
const TRIM = textOf(sql`
  DELETE FROM ${sessions} WHERE ${sessions.person} = ?1 AND (${sessions.expiresAt} <= ?2 OR ${sessions.id} IN (
    SELECT id FROM (
      SELECT ${sessions.id} AS id,
        row_number() OVER (ORDER BY ${sessions.usedAt} DESC, ${sessions.id} DESC) AS place
      FROM ${sessions} WHERE ${sessions.person} = ?1)
    WHERE place > ?3))`);
// Ids are in order of time, so the oldest come first in their table.
const SWEEP = textOf(sql`
  DELETE FROM ${sessions} WHERE ${sessions.id} IN (
    SELECT ${sessions.id} FROM ${sessions}
    WHERE ${sessions.id} < ?1 AND ${isWritableSql(sessions.id)}
    ORDER BY ${sessions.id} LIMIT ?2)`);

/**
 * Signs a person in whose password or other proof has been checked: writes a session, sets its cookie, and ends the
 * session that this browser had before, also another person's. A device on which the person has not signed in since they
 * chose their password raises a notification. Returns the token. Costs one D1 batch, and one more if the earlier session is
 * of another person.
 */
export async function signInHere(c: Context<App>, person: PersonId, passwordHash: string): Promise<string> {
  const [before, isKnown] = await Promise.all([sessionOfBrowser(c), isKnownDevice(c, person, passwordHash)]);
  const origin = originOf(c);
  const own = before?.person === person ? before : undefined;
  if (before && !own) await databaseOf(c.env, before.person).batch(endStatements(before));
  const { token, session } = await withFreshIds(async () => {
    const { token, row } = await newSession(c.env, person);
    await databaseOf(c.env, person).batch([
      ...(own ? endStatements(own) : []),
      ...sessionStatements(row, origin),
      ...(isKnown ? [] : [signInStatement(person, row.id, wordsOf(origin), row.usedAt)]),
    ]);
    return { token, session: row.id };
  });
  if (!isKnown) c.executionCtx.waitUntil(announce(c.env, [signInNotification(person, session)]));
  if (before) forgetEnded(c, before.person, [before.session]);
  beginSession(c, token);
  await rememberDevice(c, person, passwordHash);
  return token;
}

/**
 * Ends the session that the browser of a request has, when a new person has signed up in it. Never fails, because the
 * person exists already: a session that D1 could not end has lost its cookie, and ends when it is not used. Costs nothing
 * if the browser has none.
 */
export async function endSessionOfBrowser(c: Context<App>): Promise<void> {
  try {
    const before = await sessionOfBrowser(c);
    if (!before) return;
    await databaseOf(c.env, before.person).batch(endStatements(before));
    forgetEnded(c, before.person, [before.session]);
  } catch (error) {
    logWarning("earlier session of a browser not ended", { error: String(error) });
  }
}

/** Returns the session in the cookie of a request, if it is valid. A program may have many at a time. */
async function sessionOfBrowser(c: Context<App>): Promise<Viewer | undefined> {
  return c.req.header("authorization") === undefined ? c.var.reader.confirmedViewer() : undefined;
}

/** Statements that end a session, and its pushes. */
export const endStatements = (viewer: Viewer): Statement[] => [
  statement(END, viewer.session),
  endSubscriptions(viewer),
];

const END = textOf(sql`DELETE FROM ${sessions} WHERE ${sessions.id} = ?1`);

/** Makes this isolate refuse sessions that have ended, and closes their sockets in the background. */
export function forgetEnded(c: Context<App>, person: PersonId, ended: readonly SessionId[]): void {
  for (const session of ended) {
    forgetSession(session);
    c.executionCtx.waitUntil(closeSockets(c.env, person, session));
  }
}

/** Says where a session began, such as "Firefox on Windows, Lisbon, Portugal". */
export const wordsOf = ({ device, place }: Origin): string => (place === null ? device : `${device}, ${place}`);
