/**
 * Session tokens: `<session id>.<256 random bits>`. The id says which database holds the session, and only the SHA-256
 * of the random part is stored there, so whoever reads the database cannot sign in with it.
 */
import { isId, newId, type PersonId, type SessionId, shardOf } from "../../../schema/ids.ts";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../../schema/d1/blocks.ts";
import type { PersonCard } from "../../../schema/api/people.ts";
import type { sessions } from "../../../schema/tables/people.ts";
import { personDocuments } from "../../reads/documents.ts";
import { Memory } from "../../storage/memory.ts";
import type { Reader } from "../../storage/reader.ts";
import type { Viewer } from "../../storage/viewer.ts";
import { copyOf, remember, type SessionRow } from "./session-copies.ts";

/** Absolute: using a session does not make it last longer, so reading never writes. */
export const SESSION_LASTS = 30 * 24 * 60 * 60 * 1000;

const SECRET_BYTES = 32;
const TOKEN = /^(\w{13})\.([\w-]{43})$/;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

/** A token for `person`, and the row that makes it valid. The id may be taken: see `withFreshIds`. */
export async function newSession(
  person: PersonId,
  now = Date.now(),
): Promise<{ token: string; row: typeof sessions.$inferInsert }> {
  const id = newId<SessionId>(shardOf(person), now);
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64(BASE64URL);
  const row = { id, person, secretHash: await hashOf(secret), expiresAt: now + SESSION_LASTS };
  return { token: `${id}.${secret}`, row };
}

/** The parts of a token; undefined for what is none. */
export function sessionOf(token: string): { id: SessionId; secret: string } | undefined {
  const [, id = "", secret = ""] = TOKEN.exec(token) ?? [];
  return isId(id) ? { id: id as SessionId, secret } : undefined;
}

/** What the row of a new session says, as its copy keeps it. */
export async function copyOfToken(
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
 * Whom a token stands for, if anybody. One D1 query, and none for what is not a token. It asks the primary, never a
 * cache or a replica: a session that was ended must be over everywhere at once, and a block must hold. Only while that
 * fails, and so nobody can end a session either, what is known of it from before counts.
 */
export async function viewerOf(reader: Reader, token: string, now = Date.now()): Promise<Viewer | undefined> {
  const session = sessionOf(token);
  if (!session) return undefined;
  const row = await knownSession(reader, session.id);
  if (!row || row.expiresAt <= now || !same(row.secretHash, await rememberedHashOf(session.secret))) return undefined;
  return { person: row.id, session: session.id, hasBlocks: row.hasBlocks === 1 };
}

async function knownSession(reader: Reader, id: SessionId): Promise<SessionRow | undefined> {
  try {
    const [row] = await reader.primary<SessionRow>(id, SESSION, id);
    remember(id, row);
    if (row) personDocuments.learn(row.id, cardOf(row)); // Whoever asks is often in the answer.
    return row;
  } catch (error) {
    const copy = await copyOf(reader, id).catch(() => undefined);
    if (!copy) throw error;
    reader.served.isStale = true;
    personDocuments.learnOld(copy.id, cardOf(copy));
    return copy;
  }
}

const cardOf = ({ id, handle, name }: SessionRow): PersonCard => ({ id, handle, name });

// The blocks are asked for here, where a query is made anyway: most people have none, and nothing asks for theirs again.
const SESSION = `
  SELECT people.id, handle, name, secret_hash AS secretHash, expires_at AS expiresAt,
    EXISTS (SELECT 1 FROM ${ACTIVE_BLOCKS} WHERE blocks.person = sessions.person AND ${IS_ACTIVE}) AS hasBlocks
  FROM sessions JOIN people ON people.id = person WHERE sessions.id = ?1`;

/** The token of an `Authorization` header; undefined when it is of another scheme. */
export const bearerOf = (authorization: string): string | undefined => /^Bearer +(\S+)$/i.exec(authorization)?.[1];

/** Compared as digests, in a time that tells nothing of the secret. */
export const isSameSecret = async (a: string, b: string): Promise<boolean> => same(await hashOf(a), await hashOf(b));

/** A client sends the same secret with each request. */
async function rememberedHashOf(secret: string): Promise<string> {
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

/** In a time that does not tell where they differ. (`crypto.subtle.timingSafeEqual` exists on Workers only.) */
function same(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index += 1) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}
