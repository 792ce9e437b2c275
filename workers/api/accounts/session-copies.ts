/**
 * Copies of sessions, in memory and in KV, which are read only while D1 is down, because the end of a session must hold
 * at once. While D1 is down nobody can end a session, so a copy is as good as its source, except for a session that
 * ended in the minute before: KV may take that long to forget it.
 */
import type { PersonCard } from "../../../schema/api/people.ts";
import type { PersonId, SessionId } from "../../../schema/ids.ts";
import type { sessions } from "../../../schema/tables/people.ts";
import { KV_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import { Memory } from "../../storage/memory.ts";
import type { Reader } from "../../storage/reader.ts";
import { settleKvWrite } from "../../storage/tiers.ts";

export type SessionRow = PersonCard &
  Pick<typeof sessions.$inferSelect, "secretHash" | "expiresAt"> & { hasBlocks: 0 | 1 };

const SESSIONS_MAX = 10_000;
/**
 * As long as KV may take to forget an ended session. An older memory may be of a session that another isolate ended.
 */
const TRUSTED_FOR = 60_000; // ms

const remembered = new Memory<SessionId, SessionRow>(SESSIONS_MAX);

/** Remembers the row of a session in this isolate; undefined forgets it. */
export function rememberSession(id: SessionId, row: SessionRow | undefined): void {
  if (row) remembered.set(id, row);
  else remembered.delete(id);
}

/** Returns the owner of a session, which never changes. The session itself may be over. */
export const rememberedPerson = (id: SessionId): PersonId | undefined => remembered.get(id)?.value.id;

/**
 * Returns the session as this isolate saw it in the last minute, or else as it began, and whether its person may have
 * blocks by now. Costs one or two KV reads.
 */
export async function sessionCopy(reader: Reader, id: SessionId): Promise<SessionRow | undefined> {
  const own = remembered.get(id);
  const isRecent = own !== undefined && Date.now() - own.at < TRUSTED_FOR;
  const copy = isRecent ? own.value : await fromKv<SessionRow>(reader, sessionKey(id));
  return copy ? { ...copy, hasBlocks: copy.hasBlocks || (await mayHaveBlocks(reader, copy.id)) ? 1 : 0 } : undefined;
}

/** Returns true if KV fails. Requests that depend on the blocks are then rejected, because D1 cannot list them. */
async function mayHaveBlocks(reader: Reader, person: PersonId): Promise<boolean> {
  try {
    return (await fromKv(reader, blocksKey(person))) !== null;
  } catch {
    return true;
  }
}

const fromKv = <T>({ env, served }: Reader, key: string): Promise<T | null> =>
  served.timed("kv", () => within(KV_TIMEOUT, env.DOCUMENTS.get<T>(key, "json"), "KV"));

/** Copies a new session to KV. Never fails, because a missing copy matters only while D1 is down. */
export async function copySession(env: Env, id: SessionId, row: SessionRow): Promise<void> {
  const lasts = Math.max(60, Math.floor((row.expiresAt - Date.now()) / 1000));
  await settleKvWrite(env.DOCUMENTS.put(sessionKey(id), JSON.stringify(row), { expirationTtl: lasts }));
}

/** Deletes the copies of a session that ends. Never fails. */
export async function forgetSession(env: Env, id: SessionId): Promise<void> {
  remembered.delete(id);
  await settleKvWrite(env.DOCUMENTS.delete(sessionKey(id)));
}

/**
 * Marks people in KV, for good, as perhaps having blocks: after a new block, or the removal of a follower. While D1 is
 * down they get no kept responses, and requests that depend on their blocks are rejected. Never fails.
 */
export async function markBlocks(env: Env, people: readonly PersonId[]): Promise<void> {
  await Promise.all(people.map((person) => settleKvWrite(env.DOCUMENTS.put(blocksKey(person), "1"))));
}

const sessionKey = (id: SessionId) => `session:${id}`;
const blocksKey = (person: PersonId) => `blocks:${person}`;
