import type { PersonId } from "../../schema/ids.ts";
import { handles, personDocuments } from "../reads/documents.ts";
import type { Reader } from "../reads/reader.ts";

/** Of one text. Who is mentioned behind them is not told. */
export const MENTIONS_MAX = 10;

/** A handle as it may be written, and no part of a longer word or of an address. Each is looked at once, of 30 characters. */
const MENTION = /(?<![\w@.])@([a-z0-9_]{3,30})(?!\w)/gi;

/** The handles that a text mentions, each once, in their order. */
export function handlesIn(text: string): string[] {
  const found = new Set<string>();
  for (const [, handle = ""] of text.matchAll(MENTION)) {
    found.add(handle.toLowerCase());
    if (found.size === MENTIONS_MAX) break;
  }
  return [...found];
}

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
