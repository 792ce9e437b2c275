import type { PersonId } from "../../../schema/ids.ts";
import { handlesIn } from "../../../schema/mentions.ts";
import { limitsOf } from "../../../schema/limits/limits.ts";
import { logWarning } from "../../../schema/log.ts";
import { handles, personDocuments } from "../../reads/documents.ts";
import { chargePerson, requireAllowed } from "../../limits/charges.ts";
import { followersAmong } from "../../reads/follows.ts";
import { leadsTo } from "../../reads/people.ts";
import type { Reader } from "../../storage/reader.ts";

/**
 * Charges the author for the people mentioned who do not follow them: these did not ask to hear from them. Throws
 * `rate_limited`. Costs nothing without mentions, else one D1 query, and one actor call if there are strangers.
 */
export async function requireMentionsAllowed(reader: Reader, author: PersonId, mentioned: PersonId[]): Promise<void> {
  const others = mentioned.filter((id) => id !== author);
  if (others.length === 0 || !limitsOf(reader.env)) return;
  let strangers = others.length;
  try {
    strangers -= (await followersAmong(reader, author, others)).size;
  } catch (error) {
    logWarning("followers not looked up, counting all mentions", { error: String(error) });
  }
  if (strangers > 0) requireAllowed(await chargePerson(reader.env, author, "mention", strangers));
}

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
    const found = claims.map(async ([handle, { person }]) => {
      const card = people.get(person);
      return card && (await leadsTo(reader, handle, card)) ? [person] : [];
    });
    return [...new Set((await Promise.all(found)).flat())];
  } catch (error) {
    logWarning("mentions not looked up", { error: String(error) });
    return [];
  }
}
