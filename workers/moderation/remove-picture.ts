import { sql } from "drizzle-orm";
import { textOf } from "../../schema/d1/sql.ts";
import type { MediaId, PersonId } from "../../schema/ids.ts";
import { people } from "../../schema/tables/people.ts";
import { forgetPicture, removalStatements } from "../media/profile-pictures.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import type { Reader } from "../storage/reader.ts";
import { logged } from "./log.ts";

/**
 * Removes a profile picture for a moderator, with its entry in the log. Does nothing if the person has another one by now,
 * which nobody has judged. Costs one D1 batch.
 */
export async function removePicture(
  reader: Reader,
  person: PersonId,
  { picture, by, reason }: { picture: MediaId; by: PersonId; reason: string },
): Promise<void> {
  const act = { actor: by, act: "remove_picture", subject: person, person, reason, details: { picture } };
  const results = await withFreshIds(() =>
    reader.write<{ id: MediaId }>(person, [
      logged(act, HAS_IT, person, picture),
      ...removalStatements(person, picture),
    ]),
  );
  await forgetPicture(reader.env, person, results[1]?.rows ?? []);
}

const HAS_IT = textOf(sql`
  EXISTS (SELECT 1 FROM ${people} WHERE ${people.id} = ?9 AND ${people.picture} = ?10)`);
