/**
 * Session tokens: `<session id>.<256 random bits>`. The id names the database that holds the session. Only the SHA-256
 * of the random part is stored there, so a leaked database does not let anyone sign in.
 */
import { sql } from "drizzle-orm";
import { isId, newId, type PersonId, type SessionId, shardOf } from "../../../schema/ids.ts";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../../schema/d1/blocks.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import type { PersonCard } from "../../../schema/api/people.ts";
import { blocks, people, sessions } from "../../../schema/tables/people.ts";
import { personDocuments } from "../../reads/documents.ts";
import { Memory } from "../../storage/memory.ts";
import type { Reader } from "../../storage/reader.ts";
import type { Viewer } from "../../storage/viewer.ts";
import { sessionCopy, rememberSession, type SessionRow } from "./session-copies.ts";

/** In ms, from sign-in. Using a session does not extend it, so that reads never write. */
export const SESSION_LASTS = 30 * 24 * 60 * 60 * 1000;

const SECRET_BYTES = 32;
const TOKEN = /^(\w{13})\.([\w-]{43})$/;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

/** Returns a token for `person` and the row that makes it valid. The id may be taken: see `withFreshIds`. */
export async function newSession(
  person: PersonId,
  now = Date.now(),
): Promise<{ token: string; row: typeof sessions.$inferInsert }> {
  const id = newId<SessionId>(shardOf(person), now);
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64(BASE64URL);
  const row = { id, person, secretHash: await hashOf(secret), expiresAt: now + SESSION_LASTS };
  return { token: `${id}.${secret}`, row };
}

/** Splits a token into its parts; returns undefined for a malformed one. */
export function sessionOf(token: string): { id: SessionId; secret: string } | undefined {
  const [, id = "", secret = ""] = TOKEN.exec(token) ?? [];
  return isId(id) ? { id: id as SessionId, secret } : undefined;
}

/** Returns the row of a new session in the form in which its copy is stored. */
export async function sessionRowOf(
  person: PersonCard,
  token: string,
  now = Date.now(),
): Promise<{ session: SessionId; row: SessionRow } | undefined> {
  const session = sessionOf(token);
  if (!session) return undefined;
  const secretHash = await hashOf(session.secret);
  return { session: session.id, row: { ...person, secretHash, expiresAt: now + SESSION_LASTS, hasBlocks: 0 } };
}

/**
 * Returns the viewer that a token stands for, or undefined. Costs one D1 query, and none for a malformed token. It
 * reads the primary, never a cache or a replica, because the end of a session and a block must hold everywhere at once.
 * Only while the primary fails, when no session can be ended either, an earlier copy counts.
 */
export async function viewerOf(reader: Reader, token: string, now = Date.now()): Promise<Viewer | undefined> {
  const session = sessionOf(token);
  if (!session) return undefined;
  const row = await knownSession(reader, session.id);
  if (!row || row.expiresAt <= now || !isEqual(row.secretHash, await cachedHashOf(session.secret))) return undefined;
  return { person: row.id, session: session.id, hasBlocks: row.hasBlocks === 1 };
}

async function knownSession(reader: Reader, id: SessionId): Promise<SessionRow | undefined> {
  try {
    const [row] = await reader.primary<SessionRow>(id, SESSION, id);
    rememberSession(id, row);
    if (row) personDocuments.learn(row.id, cardOf(row)); // The viewer often appears in their own response.
    return row;
  } catch (error) {
    const copy = await sessionCopy(reader, id).catch(() => undefined);
    if (!copy) throw error;
    reader.served.isStale = true;
    personDocuments.learnOld(copy.id, cardOf(copy));
    return copy;
  }
}

const cardOf = ({ id, handle, name }: SessionRow): PersonCard => ({ id, handle, name });

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

/** Takes the same time wherever the two differ. (`crypto.subtle.timingSafeEqual` exists on Workers only.) */
function isEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index += 1) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}
