/** Who may moderate: the only place that decides it for acts. What moderators see follows from the session check. */
import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import { bare, textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { isModerator, type Role } from "../../schema/moderation.ts";
import { people } from "../../schema/tables/people.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { checkSockets } from "../notifications/socket-hints.ts";
import type { Reader } from "../storage/reader.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { logged } from "./log.ts";

/**
 * Returns the viewer if they have the role, or throws `not_signed_in` or `not_a_moderator`. Reads the primary, so a role
 * that was taken away is gone at once. Costs one D1 query beside the session check.
 */
export async function requireRole(reader: Reader, needed: "moderator" | "operator"): Promise<PersonId> {
  const { person } = reader;
  if (person === undefined) throw new Refusal("not_signed_in");
  const [viewer, [row]] = await Promise.all([
    reader.confirmedViewer(),
    reader.primary<{ role: Role; suspendedUntil: number }>(person, ROLE, person),
  ]);
  if (!viewer) throw new Refusal("not_signed_in");
  const may = needed === "operator" ? row?.role === "operator" : isModerator(row?.role);
  if (!may || (row?.suspendedUntil ?? 0) > Date.now()) throw new Refusal("not_a_moderator");
  return person;
}

const ROLE = textOf(sql`
  SELECT ${people.role}, ${people.suspendedUntil} AS "suspendedUntil" FROM ${people} WHERE ${people.id} = ?1`);

/** Gives a person a role, by the operator's token. Costs one D1 batch, which also writes the log. */
export async function setRole(reader: Reader, person: PersonId, role: Role): Promise<void> {
  await withFreshIds(() =>
    reader.write(person, [
      logged({ actor: null, act: "role", subject: person, person, reason: "", details: { role } }),
      statement(SET_ROLE, person, role),
    ]),
  );
  await checkSockets(reader.env, [person]);
}

const SET_ROLE = textOf(sql`UPDATE ${people} SET ${bare(people.role)} = ?2 WHERE ${people.id} = ?1`);
