/**
 * Session tokens: `<person>.<session>.<256 random bits>.<MAC>`. The person's id names the database that holds the session,
 * and lets a request begin to read before the session has been checked. Only the SHA-256 of the random part is stored
 * there, so a leaked database does not let anyone sign in. The MAC lets an isolate refuse a made-up token without reading
 * anything (workers/storage/issued-tokens.ts).
 */
import { sql } from "drizzle-orm";
import { isId, newId, type PersonId, type SessionId, shardOf } from "../../../schema/ids.ts";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../../schema/d1/blocks.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import type { PersonCard } from "../../../schema/api/people.ts";
import { blocks, people, sessions } from "../../../schema/tables/people.ts";
import { personDocuments } from "../../reads/documents.ts";
import { canTell, issue, issuedText, isEqual } from "../../storage/issued-tokens.ts";
import { Memory } from "../../storage/memory.ts";
import type { Reader } from "../../storage/reader.ts";
import type { SessionCheck } from "../../storage/viewer.ts";

/** In ms, from sign-in. Using a session does not extend it, so that reads never write. */
export const SESSION_LASTS = 30 * 24 * 60 * 60 * 1000;

const SECRET_BYTES = 32;
const TOKEN = /^(\w{13})\.(\w{13})\.([\w-]{43})\.[\w-]{22}$/;
/** How many ended sessions an isolate remembers. */
const ENDED_MAX = 10_000;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

/** Returns a token for `person` and the row that makes it valid. The id may be taken: see `withFreshIds`. */
export async function newSession(
  env: Env,
  person: PersonId,
  now = Date.now(),
): Promise<{ token: string; row: typeof sessions.$inferInsert }> {
  const id = newId<SessionId>(shardOf(person), now);
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64(BASE64URL);
  const [token, secretHash] = await Promise.all([issue(env, "session", `${person}.${id}.${secret}`), hashOf(secret)]);
  return { token, row: { id, person, secretHash, expiresAt: now + SESSION_LASTS } };
}

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
export async function isIssued(env: Env, token: string): Promise<boolean> {
  if (issuedTokens.get(token)) return true;
  const isOurs = (await issuedText(env, "session", token)) !== undefined;
  if (isOurs && canTell(env)) issuedTokens.set(token, true);
  return isOurs;
}

const issuedTokens = new Memory<string, true>(10_000);

/**
 * Returns whether the session of a token is valid: undefined if it never was or is over. Reads a replica, so the end of a
 * session holds everywhere once the replicas have it, and at once in the isolate that ended it; with the variable
 * SESSION_CHECKS set to "primary", at once everywhere. A session that a replica lacks may have begun a moment ago, so it is
 * looked up at the primary. Costs one D1 query, two for a session that does not exist.
 */
export async function checkSession(
  reader: Reader,
  { person, session, secret }: Claim,
  now = Date.now(),
): Promise<SessionCheck | undefined> {
  if (ended.get(session)) return undefined;
  const [{ row, at }, hash] = await Promise.all([sessionRow(reader, session), cachedHashOf(secret)]);
  if (!row || row.id !== person || row.expiresAt <= now || !isEqual(row.secretHash, hash)) return undefined;
  const { id, handle, name } = row;
  personDocuments.learn(id, { id, handle, name }); // The viewer often appears in their own response.
  return { hasBlocks: row.hasBlocks === 1, at };
}

/** Makes this isolate refuse a session that has ended, however late its replica is. */
export const forgetSession = (session: SessionId): void => ended.set(session, true);
const ended = new Memory<SessionId, true>(ENDED_MAX);

async function sessionRow(
  reader: Reader,
  session: SessionId,
): Promise<{ row: SessionRow | undefined; at: string | undefined }> {
  const { rows, at } =
    reader.env.SESSION_CHECKS === "primary"
      ? await reader.primaryAt<SessionRow>(session, SESSION, session)
      : await reader.existing<SessionRow>(session, SESSION, [session]);
  return { row: rows[0], at };
}

type SessionRow = PersonCard & Pick<typeof sessions.$inferSelect, "secretHash" | "expiresAt"> & { hasBlocks: 0 | 1 };

// Blocks are checked in this query, which runs anyway. Most people have none, and then nothing queries them again.
const SESSION = textOf(sql`
  SELECT ${people.id}, ${people.handle}, ${people.name}, ${sessions.secretHash} AS "secretHash",
    ${sessions.expiresAt} AS "expiresAt", EXISTS (
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

async function hashOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return new Uint8Array(digest).toBase64(BASE64URL);
}
