/** Writes the marks that say how new a viewer's side must be (schema/viewing.ts). */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "./database.ts";
import { bindingOf } from "./shards.ts";
import { bare, textOf } from "./sql.ts";
import type { PersonId } from "../ids.ts";
import { people } from "../tables/people.ts";

/**
 * Returns the statement, for the author's database, that makes every reader of the author's posts whose own rows are in the
 * database of `excluded` read those at `bookmark` or later. None if D1 has reported no bookmark. Writes one row. A mark
 * never goes back.
 */
export function exclusionMark(
  env: Env,
  author: PersonId,
  excluded: PersonId,
  bookmark: string | undefined,
): Statement[] {
  return bookmark === undefined ? [] : [statement(MARK, author, `$.${bindingOf(env, excluded)}`, bookmark)];
}

/** The name of the mark that says from which state of the database `binding` on the last take-down of a post holds. */
export const takeDownMark = (binding: string): string => `taken_down_${binding}`;

/**
 * Returns the statement, for the author's database, that makes every reader of the author's files decide from `bookmark`
 * or later. As `exclusionMark`.
 */
export function markTakeDown(env: Env, author: PersonId, bookmark: string | undefined): Statement[] {
  if (bookmark === undefined) return [];
  return [statement(MARK, author, `$.${takeDownMark(bindingOf(env, author))}`, bookmark)];
}

const MARK = textOf(sql`
  UPDATE ${people} SET ${bare(people.exclusionMarks)} = json_set(${people.exclusionMarks}, ?2, ?3)
  WHERE ${people.id} = ?1 AND coalesce(${people.exclusionMarks} ->> ?2, '') < ?3`);
