import type { PersonId } from "../../../schema/ids.ts";
import { handlesIn } from "../../../schema/mentions.ts";
import { logWarning } from "../../../schema/log.ts";
import { handles, personDocuments } from "../../reads/documents.ts";
import type { Reader } from "../../storage/reader.ts";

/**
 * Returns the people whom a text mentions. Costs nothing without a mention or when they are in memory. If they cannot
 * be looked up, nobody is notified, because the text itself must not wait for that.
 */
export async function mentionsIn(reader: Reader, text: string): Promise<PersonId[]> {
  const names = handlesIn(text);
  if (names.length === 0) return [];
  try {
    const claims = [...(await handles.get(reader, names))];
    const people = await personDocuments.get(
      reader,
      claims.map(([, { person }]) => person),
    );
    // The person of a claim may not exist, and its id may by chance be someone else's.
    return claims.flatMap(([handle, { person }]) => (people.get(person)?.handle === handle ? [person] : []));
  } catch (error) {
    logWarning("mentions not looked up", { error: String(error) });
    return [];
  }
}
