import { sql } from "drizzle-orm";
import { databaseNamed } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { deadLetters } from "../../schema/tables/operations.ts";
import { handles, personDocuments } from "../reads/documents.ts";

/**
 * Deletes the dead letters that name a closed account. Nothing is lost with them: they were wake-ups, and what they woke
 * is being erased. Returns whether there were any. Costs one query, which reads all dead letters.
 */
export const eraseMessages = async (env: Env, person: PersonId): Promise<boolean> =>
  (await databaseNamed(env, "DB").patient.run(DELETE, person)) > 0;

const DELETE = textOf(sql`DELETE FROM ${deadLetters} WHERE instr(${deadLetters.body}, ?1) > 0`);

/** Drops the person and their handle from memory and KV. Other isolates keep a name for up to ten minutes. */
export async function forgetDocuments(env: Env, person: PersonId, handle: string | null): Promise<void> {
  await Promise.all([personDocuments.forget(env, person), handle === null ? undefined : handles.forget(env, handle)]);
}
