/** The decisions about a person, as they read them themselves. */
import { sql } from "drizzle-orm";
import { textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import type { SubjectId } from "../../schema/moderation.ts";
import { decisions } from "../../schema/tables/moderation.ts";
import type { Reader } from "../storage/reader.ts";

export type DecisionRow = Omit<typeof decisions.$inferSelect, "down"> & { down: 0 | 1 };

const FIELDS = sql`${decisions.subject}, ${decisions.kind}, ${decisions.post}, ${decisions.excerpt}, ${decisions.down},
  ${decisions.sanction}, ${decisions.until}, ${decisions.action}, ${decisions.reason},
  ${decisions.decidedAt} AS "decidedAt", ${decisions.appeal}, ${decisions.appealedAt} AS "appealedAt", ${decisions.answer}`;

/** Returns a page of the decisions about a person, by the age of what they are about, newest first. One D1 query. */
export const decisionsAbout = (reader: Reader, person: PersonId, before: string, limit: number) =>
  reader.replica<DecisionRow>(person, PAGE, person, before, limit);

const PAGE = textOf(sql`
  SELECT ${FIELDS} FROM ${decisions} WHERE ${decisions.person} = ?1 AND ${decisions.subject} < ?2
  ORDER BY ${decisions.subject} DESC LIMIT ?3`);

/** Returns one decision about a person. Costs one D1 query. */
export async function decisionAbout(
  reader: Reader,
  person: PersonId,
  subject: SubjectId,
): Promise<DecisionRow | undefined> {
  return (await reader.replica<DecisionRow>(person, ONE, person, subject))[0];
}

const ONE = textOf(sql`
  SELECT ${FIELDS} FROM ${decisions} WHERE ${decisions.person} = ?1 AND ${decisions.subject} = ?2`);
