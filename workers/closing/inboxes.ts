import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import { bare, textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { notifications } from "../../schema/tables/notifications.ts";

/**
 * Takes a closed account out of the inboxes of `people`: a notification of nobody else goes, any other one loses the name.
 * Its count follows when the post's actor reports its new state. What arrives later is kept out by triggers. Costs one
 * batch a database, which reads the whole inboxes.
 */
export async function leaveInboxes(env: Env, person: PersonId, people: Iterable<PersonId>): Promise<void> {
  const others = new Set(people);
  others.delete(person);
  const batches = [...byDatabase(env, others, (id) => id)].map(([database, group]) =>
    database.patient.batch(leaveStatements(person, group)),
  );
  await Promise.all(batches);
}

/** Returns the statements that do the same for people of one database. */
export function leaveStatements(person: PersonId, people: readonly PersonId[]): Statement[] {
  const recipients = JSON.stringify(people);
  return [statement(DELETE, recipients, person), statement(LEAVE, recipients, person)];
}

const { recipient, subject, actors, excerpt } = notifications;

const DELETE = textOf(sql`
  DELETE FROM ${notifications}
  WHERE ${recipient} IN (SELECT value FROM json_each(?1)) AND (${actors} = json_array(?2) OR ${subject} = ?2)`);
const LEAVE = textOf(sql`
  UPDATE ${notifications} SET ${bare(excerpt)} = iif(${actors} ->> 0 = ?2, NULL, ${excerpt}),
    ${bare(actors)} = (SELECT json_group_array(value) FROM json_each(${actors}) WHERE value <> ?2)
  WHERE ${recipient} IN (SELECT value FROM json_each(?1))
    AND EXISTS (SELECT 1 FROM json_each(${actors}) WHERE value = ?2)`);
