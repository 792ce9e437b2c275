/**
 * Session tokens: `<person>.<session>.<256 random bits>.<MAC>`. The person's id names the database that holds the session,
 * and lets a request begin to read before the session has been checked. Only the SHA-256 of the random part is stored
 * there, so a leaked database does not let anyone sign in. The MAC lets an isolate refuse a made-up token without reading
 * anything (workers/storage/issued-tokens.ts).
 */
import { sql } from "drizzle-orm";
import { toBase64url } from "../../../schema/base64url.ts";
import { isId, newId, type PersonId, type SessionId, shardOf, timeOf } from "../../../schema/ids.ts";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../../schema/d1/blocks.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import { CARD_COLUMNS, cardOf, type CardRow } from "../../../schema/d1/person-cards.ts";
import { blocks, people, sessions } from "../../../schema/tables/people.ts";
import { logWarning } from "../../../schema/log.ts";
import { personDocuments } from "../../reads/documents.ts";
import { issue, issuedText, isEqual } from "../../storage/issued-tokens.ts";
import { openSessions } from "../../reads/open-sessions.ts";
import { Memory } from "../../storage/memory.ts";
import type { Reader } from "../../storage/reader.ts";
import type { SessionCheck } from "../../storage/viewer.ts";

const DAY = 24 * 60 * 60 * 1000;
/** The longest that a session lasts from its sign-in, in ms. */
export const SESSION_LASTS = 180 * DAY;
/** After this long without use a session ends, in ms. */
export const SESSION_IDLE_MAX = 30 * DAY;
/** How often the use of a session is written, in ms. So most reads write nothing, and no read waits for it. */
const USE_WRITTEN_EVERY = DAY / 4;
/** How old the secret of a browser's session gets before it is renewed, in ms. */
export const SECRET_LASTS = 7 * DAY;
/** A secret that is used this long after its renewal means that its client never got the new one. In ms. */
const RENEWAL_ARRIVES_WITHIN = 60_000;

const SECRET_BYTES = 32;
const TOKEN = /^(\w{13})\.(\w{13})\.([\w-]{43})\.[\w-]{22}$/;
/** How many ended sessions an isolate remembers. */
const ENDED_MAX = 10_000;
/** How many sessions an isolate remembers to have noted as used. */
const USED_MAX = 10_000;

type NewSession = Pick<typeof sessions.$inferSelect, "id" | "person" | "secretHash" | "expiresAt" | "usedAt">;

/** Returns a token for `person` and the row that makes it valid. The id may be taken: see `withFreshIds`. */
export async function newSession(
  env: Env,
  person: PersonId,
  now = Date.now(),
): Promise<{ token: string; row: NewSession }> {
  const id = newId<SessionId>(shardOf(person), now);
  const { token, secretHash } = await newToken(env, person, id);
  return { token, row: { id, person, secretHash, expiresAt: expiryOf(id, now), usedAt: now } };
}

/** Returns another token for a session, and the hash to store. */
export async function newToken(
  env: Env,
  person: PersonId,
  id: SessionId,
): Promise<{ token: string; secretHash: string }> {
  const secret = toBase64url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
  const [token, secretHash] = await Promise.all([issue(env, "session", `${person}.${id}.${secret}`), hashOf(secret)]);
  return { token, secretHash };
}

/** When a session ends that was last used at `usedAt`, in ms since 1970. */
export const expiryOf = (id: SessionId, usedAt: number): number =>
  Math.min(usedAt + SESSION_IDLE_MAX, timeOf(id) + SESSION_LASTS);

/** A token in its parts. It claims to belong to `person`; `checkSession` says whether that is true. */
export type Claim = { person: PersonId; session: SessionId; secret: string };

/** Splits a token into its parts; returns undefined for a malformed one. */
export function claimIn(token: string): Claim | undefined {
  const [, person = "", session = "", secret = ""] = TOKEN.exec(token) ?? [];
  return isId(person) && isId(session)
    ? { person: person as PersonId, session: session as SessionId, secret }
    : undefined;
}

/** Whether this deployment has issued a token. Costs nothing once the isolate has read the key. */
export const isIssued = async (env: Env, token: string): Promise<boolean> =>
  (await issuedText(env, "session", token)) !== undefined;

/**
 * Returns whether the session of a token is valid: undefined if it never was or is over. Reads a replica, so the end of a
 * session holds everywhere once the replicas have it, and at once in the isolate that ended it; with the variable
 * SESSION_CHECKS set to "primary", at once everywhere. A session that a replica lacks may have begun a moment ago, so it is
 * looked up at the primary, as is one whose secret has just been renewed. Costs one D1 query, two for a wrong token, and
 * a row written once in six hours of use, in the background.
 */
export async function checkSession(
  reader: Reader,
  { person, session, secret }: Claim,
  now = Date.now(),
): Promise<(SessionCheck & { suspendedUntil: number }) | undefined> {
  if (ended.get(session)) return undefined;
  const { row, at, hash } = await sessionRow(reader, session, cachedHashOf(secret));
  if (!row || row.id !== person || row.expiresAt <= now || !isSecretOf(row, hash)) return undefined;
  const { id } = row;
  personDocuments.learn(id, cardOf(row)); // The viewer often appears in their own response.
  const isCurrent = isEqual(row.secretHash, hash);
  noteUse(reader, session, row, isCurrent, now);
  const { role, suspendedUntil } = row;
  const renewal = renewalOf(session, row, { hash, isCurrent }, now);
  return { hasBlocks: row.hasBlocks === 1, role, suspendedUntil, at, renewal };
}

const isSecretOf = ({ secretHash, priorHash }: SessionRow, hash: string): boolean =>
  isEqual(secretHash, hash) || (priorHash !== null && isEqual(priorHash, hash));

/** Returns the condition to renew the secret of a session on, or undefined while it is new enough. */
function renewalOf(
  session: SessionId,
  { renewedAt, priorHash }: SessionRow,
  { hash, isCurrent }: { hash: string; isCurrent: boolean },
  now: number,
): SessionCheck["renewal"] {
  const before = now - (isCurrent ? SECRET_LASTS : RENEWAL_ARRIVES_WITHIN);
  const isDue = Math.max(renewedAt, timeOf(session)) < before && (isCurrent || priorHash !== null);
  return isDue ? { hash, before } : undefined;
}

/**
 * Writes in the background that a session is used, which postpones its end. The secret before the last renewal ends then:
 * its client has the new one. Once in USE_WRITTEN_EVERY, however many requests and isolates notice.
 */
function noteUse(reader: Reader, session: SessionId, { usedAt }: SessionRow, isCurrent: boolean, now: number): void {
  const before = now - USE_WRITTEN_EVERY;
  const noted = used.get(session)?.value ?? 0;
  if (Math.max(usedAt, noted) > before) return;
  used.set(session, now);
  const written = databaseOf(reader.env, session).run(
    NOTE_USE,
    session,
    now,
    expiryOf(session, now),
    before,
    isCurrent ? now - RENEWAL_ARRIVES_WITHIN : 0,
  );
  reader.background.waitUntil(
    written.catch((error: unknown) => {
      used.delete(session); // Another request tries again.
      logWarning("use of a session not noted", { error: String(error) });
    }),
  );
}

const used = new Memory<SessionId, number>(USED_MAX);

const NOTE_USE = textOf(sql`
  UPDATE ${sessions} SET ${bare(sessions.usedAt)} = ?2, ${bare(sessions.expiresAt)} = ?3,
    ${bare(sessions.priorHash)} = iif(${sessions.renewedAt} < ?5, NULL, ${sessions.priorHash})
  WHERE ${sessions.id} = ?1 AND ${sessions.usedAt} <= ?4 AND ${sessions.expiresAt} > ?2`);

/** Makes this isolate refuse a session that has ended, however late its replica is. */
export function forgetSession(session: SessionId): void {
  ended.set(session, true);
  openSessions.drop(session);
}

const ended = new Memory<SessionId, true>(ENDED_MAX);

type FoundSession = { row: SessionRow | undefined; at: string | undefined; hash: string };

async function sessionRow(reader: Reader, session: SessionId, hashed: Promise<string>): Promise<FoundSession> {
  const isAtPrimary = reader.env.SESSION_CHECKS === "primary";
  const atPrimary = () => reader.primaryAt<SessionRow>(session, SESSION, session);
  const [near, hash] = await Promise.all([
    isAtPrimary ? atPrimary() : reader.replicaAt<SessionRow>(session, SESSION, session),
    hashed,
  ]);
  const [row] = near.rows;
  if (isAtPrimary || (row && isSecretOf(row, hash))) return { row, at: near.at, hash };
  const { rows, at } = await atPrimary();
  return { row: rows[0], at, hash };
}

type SessionRow = CardRow &
  Pick<typeof sessions.$inferSelect, "secretHash" | "expiresAt" | "usedAt" | "priorHash" | "renewedAt"> &
  Pick<typeof people.$inferSelect, "role" | "suspendedUntil"> & { hasBlocks: 0 | 1 };

// Blocks are checked in this query, which runs anyway. Most people have none, and then nothing queries them again.
const SESSION = textOf(sql`
  SELECT ${CARD_COLUMNS}, ${sessions.secretHash} AS "secretHash",
    ${sessions.expiresAt} AS "expiresAt", ${sessions.usedAt} AS "usedAt", ${sessions.priorHash} AS "priorHash",
    ${sessions.renewedAt} AS "renewedAt", ${people.role}, ${people.suspendedUntil} AS "suspendedUntil", EXISTS (
      SELECT 1 FROM ${ACTIVE_BLOCKS}
      WHERE ${blocks.person} = ${sessions.person} AND ${IS_ACTIVE}) AS "hasBlocks"
  FROM ${sessions} JOIN ${people} ON ${people.id} = ${sessions.person} WHERE ${sessions.id} = ?1`);

/** Returns the token of an `Authorization` header, or undefined for any scheme but Bearer. */
export const bearerOf = (authorization: string): string | undefined => /^Bearer +(\S+)$/i.exec(authorization)?.[1];

/** Compares two secrets by their digests, in a time that reveals nothing about them. */
export const isSameSecret = async (a: string, b: string): Promise<boolean> => isEqual(await hashOf(a), await hashOf(b));

/** Caches the hash, because a client sends the same secret with each request. */
async function cachedHashOf(secret: string): Promise<string> {
  const known = hashes.get(secret);
  if (known) return known.value;
  const hash = await hashOf(secret);
  hashes.set(secret, hash);
  return hash;
}

const hashes = new Memory<string, string>(10_000);

/** Returns the hash under which a random secret is stored. */
export async function hashOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return toBase64url(new Uint8Array(digest));
}
