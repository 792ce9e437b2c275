import { sql } from "drizzle-orm";
import type { PersonCard } from "../api/people.ts";
import { queryByIds } from "./by-ids.ts";
import type { MediaId, PersonId } from "../ids.ts";
import { textOf } from "./sql.ts";
import { people } from "../tables/people.ts";

/** A person's picture, in the text of a statement. An account that a moderator has closed shows none. */
export const PICTURE = sql`iif(${people.barred} = 1, NULL, ${people.picture})`;
/** The columns of a card. */
export const CARD_COLUMNS = sql`${people.id}, ${people.handle}, ${people.name}, ${PICTURE} AS "picture"`;
/** A row of CARD_COLUMNS. */
export type CardRow = Omit<PersonCard, "picture"> & { picture: MediaId | null };

/** Returns the card in a row of CARD_COLUMNS. Most people have no picture, and their cards do not say so. */
export const cardOf = ({ id, handle, name, picture }: CardRow): PersonCard => ({
  id,
  handle,
  name,
  ...(picture !== null && { picture }),
});

/** Returns the people with these ids, without those that do not exist. Costs one D1 query per database. */
export async function peopleByIds(env: Env, ids: Iterable<PersonId>): Promise<Map<PersonId, PersonCard>> {
  const rows = await queryByIds<CardRow>(env, ids, PEOPLE_BY_IDS);
  return new Map(rows.map((row) => [row.id, cardOf(row)]));
}

/** The same query, for callers that run it themselves. ?1 is a JSON array of ids. */
export const PEOPLE_BY_IDS = textOf(sql`
  SELECT ${CARD_COLUMNS} FROM ${people} WHERE ${people.id} IN (SELECT value FROM json_each(?1))`);
