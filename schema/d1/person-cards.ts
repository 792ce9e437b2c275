import { sql } from "drizzle-orm";
import type { PersonCard } from "../api/people.ts";
import { queryByIds } from "./by-ids.ts";
import type { PersonId } from "../ids.ts";
import { textOf } from "./sql.ts";
import { people } from "../tables/people.ts";

/** Returns the people with these ids, without those that do not exist. Costs one D1 query per database. */
export async function peopleByIds(env: Env, ids: Iterable<PersonId>): Promise<Map<PersonId, PersonCard>> {
  const cards = await queryByIds<PersonCard>(env, ids, PEOPLE_BY_IDS);
  return new Map(cards.map((card) => [card.id, card]));
}

/** The same query, for callers that run it themselves. ?1 is a JSON array of ids. */
export const PEOPLE_BY_IDS = textOf(sql`
  SELECT ${people.id}, ${people.handle}, ${people.name} FROM ${people}
  WHERE ${people.id} IN (SELECT value FROM json_each(?1))`);
