import type { PersonCard } from "../api/people.ts";
import { queryByIds } from "./by-ids.ts";
import type { PersonId } from "../ids.ts";

/** The people of `ids` who exist. One D1 query for each database that holds one of them. */
export async function peopleByIds(env: Env, ids: Iterable<PersonId>): Promise<Map<PersonId, PersonCard>> {
  const cards = await queryByIds<PersonCard>(env, ids, PEOPLE_BY_IDS);
  return new Map(cards.map((card) => [card.id, card]));
}

/** The same, for who reads in another way: of ?1, a JSON array. */
export const PEOPLE_BY_IDS = "SELECT id, handle, name FROM people WHERE id IN (SELECT value FROM json_each(?1))";
