/**
 * What is known of sessions while D1 cannot be asked. A copy is never asked otherwise: a session that was ended is over at
 * once. While D1 is down nobody ends one, so a copy is as right as what it was made from, but for a session that was
 * ended in the minute before: KV may take that long to forget it.
 */
import type { PersonCard } from "../../../schema/api/people.ts";
import type { PersonId, SessionId } from "../../../schema/ids.ts";
import { KV_ANSWERS_WITHIN, within } from "../../../schema/d1/deadline.ts";
import { Memory } from "../../storage/memory.ts";
import type { Reader } from "../../storage/reader.ts";
import { settled } from "../../storage/tiers.ts";

export type SessionRow = PersonCard & { secretHash: string; expiresAt: number; hasBlocks: 0 | 1 };

const SESSIONS_MAX = 10_000;
/** As long as KV may take to forget a session that was ended: what is older was perhaps ended by another isolate. */
const REMEMBERED_FOR = 60_000; // ms

const remembered = new Memory<SessionId, SessionRow>(SESSIONS_MAX);

export function remember(id: SessionId, row: SessionRow | undefined): void {
  if (row) remembered.set(id, row);
  else remembered.delete(id);
}

/** A session's person never changes; whether it still holds is another question. */
export const rememberedPerson = (id: SessionId): PersonId | undefined => remembered.get(id)?.value.id;

/**
 * The session as this isolate has seen it just now, or as it was when it began; and whether its person may have blocks since.
 * One or two KV reads.
 */
export async function copyOf(reader: Reader, id: SessionId): Promise<SessionRow | undefined> {
  const own = remembered.get(id);
  const isRecent = own !== undefined && Date.now() - own.at < REMEMBERED_FOR;
  const copy = isRecent ? own.value : await fromKv<SessionRow>(reader, sessionKey(id));
  return copy ? { ...copy, hasBlocks: copy.hasBlocks || (await mayHaveBlocks(reader, copy.id)) ? 1 : 0 } : undefined;
}

/** True when nobody knows: who may be blocked is asked for it, and that cannot be answered now. */
async function mayHaveBlocks(reader: Reader, person: PersonId): Promise<boolean> {
  try {
    return (await fromKv(reader, blocksKey(person))) !== null;
  } catch {
    return true;
  }
}

const fromKv = <T>({ env, served }: Reader, key: string): Promise<T | null> =>
  served.timed("kv", () => within(KV_ANSWERS_WITHIN, env.DOCUMENTS.get<T>(key, "json"), "KV"));

/** When a session begins. Never fails: a session without a copy is only missed when D1 is. */
export async function copySession(env: Env, id: SessionId, row: SessionRow): Promise<void> {
  const lasts = Math.max(60, Math.floor((row.expiresAt - Date.now()) / 1000));
  await settled(env.DOCUMENTS.put(sessionKey(id), JSON.stringify(row), { expirationTtl: lasts }));
}

/** When a session ends. */
export async function forgetSession(env: Env, id: SessionId): Promise<void> {
  remembered.delete(id);
  await settled(env.DOCUMENTS.delete(sessionKey(id)));
}

/** When a block begins, for both: who has ever had one is asked for it, and refused while that cannot be answered. */
export async function copyBlock(env: Env, people: readonly PersonId[]): Promise<void> {
  await Promise.all(people.map((person) => settled(env.DOCUMENTS.put(blocksKey(person), "1"))));
}

const sessionKey = (id: SessionId) => `session:${id}`;
const blocksKey = (person: PersonId) => `blocks:${person}`;
