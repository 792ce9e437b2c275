import type { PersonId } from "../../../schema/ids.ts";
import { handlesIn } from "../../../schema/mentions.ts";
import { handles, personDocuments } from "../../reads/documents.ts";
import type { Reader } from "../../storage/reader.ts";

/**
 * The people whom a text mentions. Costs nothing without a mention or when they are in memory. Nobody is told when they
 * cannot be found out: the text itself must not wait for that.
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
    // A claim may be without its person, and its id by chance that of somebody else.
    return claims.flatMap(([handle, { person }]) => (people.get(person)?.handle === handle ? [person] : []));
  } catch (error) {
    console.warn("mentions not told", { error: String(error) });
    return [];
  }
}
