import { sql } from "drizzle-orm";
import { databaseNamed, databases } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { deadLetters } from "../../schema/tables/operations.ts";
import { effects } from "../../schema/tables/people.ts";
import { handles, personDocuments } from "../reads/documents.ts";

/**
 * Deletes the dead letters that name a closed account, and the effects that only fill its feed, serve its followers or
 * accept its requests. Nothing is lost with them: what they would do is being erased. Other effects run, because they may
 * uncover a row that the erasing has not seen. Returns whether there were any. Costs one query a database, which reads
 * all effects, and one that reads all dead letters.
 */
export async function eraseMessages(env: Env, person: PersonId): Promise<boolean> {
  const deleted = await Promise.all([
    databaseNamed(env, "DB").patient.run(DELETE_LETTERS, person),
    ...databases(env).map((database) => database.patient.run(DELETE_EFFECTS, person)),
  ]);
  return deleted.some((rows) => rows > 0);
}

const DELETE_LETTERS = textOf(sql`DELETE FROM ${deadLetters} WHERE instr(${deadLetters.body}, ?1) > 0`);
const DELETE_EFFECTS = textOf(sql`
  DELETE FROM ${effects} WHERE instr(${effects.body}, ?1) > 0
    AND ${effects.body} ->> 'kind' IN ('open', 'merge', 'bell', 'refill', 'withdraw')`);

/** Drops the person and their handle from memory and KV. Other isolates keep a name for up to ten minutes. */
export async function forgetDocuments(env: Env, person: PersonId, handle: string | null): Promise<void> {
  await Promise.all([personDocuments.forget(env, person), handle === null ? undefined : handles.forget(env, handle)]);
}
