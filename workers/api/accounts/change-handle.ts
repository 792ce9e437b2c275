/**
 * Gives a person another handle. The two handles and the person are in three shards, and no transaction spans them. So
 * everything that could harm others comes first and harms nobody if the rest is missing:
 *
 * 1. The new handle is claimed for the person, and reserved for a while, so that nobody takes it for an abandoned claim.
 * 2. The former handle is reserved for the person. While they still have it, that changes nothing.
 * 3. The person's row changes, unless the first step is too long ago by D1's own clock.
 *
 * A reserved handle leads to its person (`leadsTo` in workers/reads/people.ts), so both do while caches are behind.
 * `releaseHandles` deletes the claims whose time is over.
 */
import { and, eq, sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import { Refusal } from "../../../schema/api/refusals.ts";

import { databaseOf, databases, shardOfHandle } from "../../../schema/d1/shards.ts";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { logWarning } from "../../../schema/log.ts";
import { handles as handlesTable, people } from "../../../schema/tables/people.ts";
import { handles, personDocuments } from "../../reads/documents.ts";
import { personExists } from "../../reads/people.ts";
import type { Reader } from "../../storage/reader.ts";
import { claimSkeleton } from "../../names/lookalikes.ts";
import { refuseReservedHandle } from "../../names/reserved-names.ts";
import { CLAIM_LASTS, claimHandleFor, CREATE_WITHIN } from "./sign-up.ts";

/** How often a person can change their handle, in ms. */
const CHANGED_AT_MOST_EVERY = 24 * 3_600_000;
/** How long a former handle leads to its person, and nobody else can take it, in ms. */
export const FORMER_HANDLE_LASTS = 30 * 24 * 3_600_000;
/** How long a new handle leads to its person before they have it, in ms: longer than caches keep their former one. */
const NEW_HANDLE_RESERVED_FOR = 3_600_000;
/** How many claims a sweep looks at, in each database. */
const RELEASED_PER_SWEEP = 100;

type Present = Pick<typeof people.$inferSelect, "handle" | "handleChangedAt">;

/**
 * Changes the viewer's handle. Throws `handle_reserved`, `handle_taken` or `handle_changed_lately`. Costs one D1 query of
 * the primary, and three or four writes one after the other.
 */
export async function changeHandle(reader: Reader, person: PersonId, handle: string, now = Date.now()): Promise<void> {
  const { env } = reader;
  if (!(await reader.confirmedViewer())) throw new Refusal("not_signed_in");
  const [present] = await reader.primary<Present>(person, PRESENT, person);
  if (!present) throw new Refusal("not_signed_in"); // A session may outlive its person.
  if (present.handle === handle) return;
  refuseReservedHandle(handle);
  if (present.handleChangedAt > now - CHANGED_AT_MOST_EVERY) throw new Refusal("handle_changed_lately");
  await claimSkeleton(env, handle, person, CLAIM_LASTS);
  await claimHandleFor(env, { handle, person, until: now + NEW_HANDLE_RESERVED_FOR }, now);
  await databaseOf(env, shardOfHandle(present.handle))
    .orm.update(handlesTable)
    .set({ until: now + FORMER_HANDLE_LASTS })
    .where(and(eq(handlesTable.handle, present.handle), eq(handlesTable.person, person)));
  const [changed] = await reader.write(person, [
    statement(CHANGE, person, handle, present.handle, now, now - CHANGED_AT_MOST_EVERY, now + CREATE_WITHIN),
  ]);
  await Promise.all([
    personDocuments.forget(env, person),
    handles.forget(env, handle),
    handles.forget(env, present.handle),
  ]);
  if ((changed?.changes ?? 0) === 0) throw new Refusal("handle_changed_lately"); // Another change was first.
}

const PRESENT = textOf(sql`
  SELECT ${people.handle}, ${people.handleChangedAt} AS "handleChangedAt" FROM ${people} WHERE ${people.id} = ?1`);
const CHANGE = textOf(sql`
  UPDATE ${people} SET ${bare(people.handle)} = ?2, ${bare(people.handleChangedAt)} = ?4
  WHERE ${people.id} = ?1 AND ${people.handle} = ?3 AND ${people.handleChangedAt} <= ?5
    AND unixepoch('subsec') * 1000 <= ?6`);

type Claim = typeof handlesTable.$inferSelect;

/**
 * Run by cron: looks at reserved handles whose time is over. One that its person still has stays theirs; any other is free.
 * Returns how many it looked at. Costs one D1 query a database, and two for each of up to RELEASED_PER_SWEEP handles.
 */
export async function releaseHandles(env: Env, now = Date.now()): Promise<number> {
  let released = 0;
  for (const database of databases(env)) {
    const over = await database.patient.all<Claim>(OVER, now, RELEASED_PER_SWEEP);
    for (const { handle, person, until } of over) {
      if (!databaseOf(env, shardOfHandle(handle)).isSame(database)) continue; // A copy that is being moved.
      try {
        const isTheirs = await personExists(env, person, handle);
        await database.patient.run(isTheirs ? KEEP : RELEASE, handle, person, until);
        released += 1;
      } catch (error) {
        logWarning("handle not released, the next sweep retries", { handle, error: String(error) });
      }
    }
  }
  return released;
}

const OVER = textOf(sql`
  SELECT ${handlesTable.handle}, ${handlesTable.person}, ${handlesTable.until} FROM ${handlesTable}
  WHERE ${handlesTable.until} <= ?1 ORDER BY ${handlesTable.until} LIMIT ?2`);
const IS_SAME = sql`${handlesTable.handle} = ?1 AND ${handlesTable.person} = ?2 AND ${handlesTable.until} = ?3`;
const KEEP = textOf(sql`UPDATE ${handlesTable} SET ${bare(handlesTable.until)} = NULL WHERE ${IS_SAME}`);
const RELEASE = textOf(sql`DELETE FROM ${handlesTable} WHERE ${IS_SAME}`);
