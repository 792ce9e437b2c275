/**
 * Session tokens: `<session id>.<256 random bits>`. The id says which database holds the session, and only the SHA-256
 * of the random part is stored there, so whoever reads the database cannot sign in with it.
 */
import { isId, newId, type PersonId, type SessionId, shardOf } from "../../schema/ids.ts";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../schema/blocks.ts";
import { databaseOf } from "../../schema/shards.ts";
import type { sessions } from "../../schema/tables/people.ts";
import type { Viewer } from "./routes.ts";

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

/**
 * Whom a token stands for, if anybody. One D1 query, and none for what is not a token. It asks the primary, never a
 * cache or a replica: a session that was ended must be over everywhere at once, and a block must hold.
 */
export async function viewerOf(env: Env, token: string, now = Date.now()): Promise<Viewer | undefined> {
  const [, id = "", secret = ""] = TOKEN.exec(token) ?? [];
  if (!isId(id)) return undefined;
  const session = id as SessionId;
  const row = await databaseOf(env, session).prepare(SESSION).bind(session).first<Row>();
  if (!row || row.expiresAt <= now || !same(row.secretHash, await hashOf(secret))) return undefined;
  return { person: row.person, session, hasBlocks: row.hasBlocks === 1 };
}

type Row = { person: PersonId; secretHash: string; expiresAt: number; hasBlocks: 0 | 1 };

// The blocks are asked for here, where a query is made anyway: most people have none, and nothing asks for theirs again.
const SESSION = `
  SELECT person, secret_hash AS secretHash, expires_at AS expiresAt,
    EXISTS (SELECT 1 FROM ${ACTIVE_BLOCKS} WHERE blocks.person = sessions.person AND ${IS_ACTIVE}) AS hasBlocks
  FROM sessions WHERE id = ?`;

/** The token of an `Authorization` header; undefined when it is of another scheme. */
export const bearerOf = (authorization: string): string | undefined => /^Bearer +(\S+)$/i.exec(authorization)?.[1];

/** Compared as digests, in a time that tells nothing of the secret. */
export const isSameSecret = async (a: string, b: string): Promise<boolean> => same(await hashOf(a), await hashOf(b));

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
