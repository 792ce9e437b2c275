/** Run by cron: erases what has arrived after an account was erased, and ends what is kept for a time only. */
import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import { isWritableSql } from "../../schema/d1/shard-sql.ts";
import { databaseOf, databases, shardOfHandle } from "../../schema/d1/shards.ts";
import { bare, list, textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { closedPeople, closings } from "../../schema/tables/closings.ts";
import { handles as handlesTable, lookalikes } from "../../schema/tables/people.ts";
import { handles } from "../reads/documents.ts";
import { newEffect, saveEffectIf, sendEffect } from "../storage/effects.ts";

const DAY = 86_400_000; // ms
/** Nobody else can take the handle of a closed account until then. */
export const HANDLE_RESERVED_FOR = 30 * DAY;
export const PROOF_KEPT_FOR = 90 * DAY;
const CLOSINGS_PER_SWEEP = 100; // Per database.

/**
 * Begins to erase accounts again of which something has arrived since. Leaves one that is still being erased for the next
 * minute, since its last count may not have seen it. Returns how many began. Costs one query a database, and two batches
 * for each account.
 */
export async function reopenClosings(env: Env, now = Date.now()): Promise<number> {
  let reopened = 0;
  for (const database of databases(env)) {
    const found = await database.patient.all<{ person: PersonId; late: number }>(LATE, CLOSINGS_PER_SWEEP);
    for (const { person, late } of found) {
      const effect = newEffect(person, { kind: "close", person } as const);
      const [, saved] = await databaseOf(env, person).patient.batch([
        statement(KEEP, person, now), // Its proof may have been deleted.
        saveEffectIf(effect, IS_DONE, [person]),
        statement(REOPEN, person),
      ]);
      if (!saved || saved.changes === 0) continue;
      await database.patient.run(SEEN, person, late);
      await sendEffect(env, effect);
      reopened += 1;
    }
  }
  return reopened;
}

const LATE = textOf(sql`
  SELECT ${closedPeople.person}, ${closedPeople.late} FROM ${closedPeople} WHERE ${closedPeople.late} > 0 LIMIT ?1`);
const SEEN = textOf(sql`
  UPDATE ${closedPeople} SET ${bare(closedPeople.late)} = 0
  WHERE ${closedPeople.person} = ?1 AND ${closedPeople.late} = ?2`);
const KEEP = textOf(sql`
  INSERT INTO ${closings} (${list(closings.person, closings.closedAt, closings.doneAt)}) VALUES (?1, ?2, ?2)
  ON CONFLICT DO NOTHING`);
const IS_DONE = textOf(sql`EXISTS (
  SELECT 1 FROM ${closings} WHERE ${closings.person} = ?4 AND ${closings.doneAt} IS NOT NULL)`);
const REOPEN = textOf(sql`
  UPDATE ${closings} SET ${bare(closings.doneAt)} = NULL
  WHERE ${closings.person} = ?1 AND ${closings.doneAt} IS NOT NULL`);

/**
 * Frees handles of accounts that were closed long enough ago, and deletes old proofs. Returns how many handles it freed.
 * Costs two queries a database, and three for each handle, one of them in each database.
 */
export async function tidyClosings(env: Env, now = Date.now()): Promise<number> {
  let freed = 0;
  for (const database of databases(env)) {
    const due = await database.patient.all<{ person: PersonId; handle: string }>(
      RESERVED,
      now - HANDLE_RESERVED_FOR,
      CLOSINGS_PER_SWEEP,
    );
    for (const { person, handle } of due) {
      await databaseOf(env, shardOfHandle(handle)).patient.run(FREE, handle, person);
      await handles.forget(env, handle);
      await Promise.all(databases(env).map((other) => other.patient.run(FREE_LOOKALIKES, person)));
      await databaseOf(env, person).patient.run(FORGET_HANDLE, person);
      freed += 1;
    }
    await database.patient.run(FORGET, now - PROOF_KEPT_FOR, CLOSINGS_PER_SWEEP);
  }
  return freed;
}

const IS_WRITABLE = isWritableSql(closings.person);
const RESERVED = textOf(sql`
  SELECT ${closings.person}, ${closings.handle} FROM ${closings}
  WHERE ${closings.closedAt} < ?1 AND ${closings.handle} IS NOT NULL AND ${IS_WRITABLE} LIMIT ?2`);
const FREE = textOf(sql`DELETE FROM ${handlesTable} WHERE ${handlesTable.handle} = ?1 AND ${handlesTable.person} = ?2`);
// Has no index: it reads all claims, which only handles with look-alikes have.
const FREE_LOOKALIKES = textOf(sql`DELETE FROM ${lookalikes} WHERE ${lookalikes.person} = ?1`);
const FORGET_HANDLE = textOf(sql`
  UPDATE ${closings} SET ${bare(closings.handle)} = NULL WHERE ${closings.person} = ?1`);
const FORGET = textOf(sql`
  DELETE FROM ${closings} WHERE ${closings.person} IN (
    SELECT ${closings.person} FROM ${closings}
    WHERE ${closings.closedAt} < ?1 AND ${closings.doneAt} IS NOT NULL AND ${closings.handle} IS NULL AND ${IS_WRITABLE}
    LIMIT ?2)`);
