/** Whether a session is still open, for what a request may ask without its token: a signed URL. */
import { sql } from "drizzle-orm";
import type { PersonId, SessionId } from "../../schema/ids.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { sessions } from "../../schema/tables/people.ts";
import type { Reader } from "../storage/reader.ts";
import type { Viewer } from "../storage/viewer.ts";
import { Tiers } from "../storage/tiers.ts";

/** How long an isolate believes that a session is open, in ms. The one that ends it knows at once. */
const FRESH_FOR = 10_000;

type OpenSession = { person: PersonId; expiresAt: number };

export const openSessions = new Tiers<SessionId, OpenSession>({
  freshFor: FRESH_FOR,
  load: async (reader, ids) => {
    const found = await Promise.all(
      ids.map(async (id) => {
        const { rows } = await reader.existing<OpenSession>(id, OPEN, [id]);
        return rows.map((row) => [id, row] as const);
      }),
    );
    return new Map(found.flat());
  },
});

const OPEN = textOf(sql`
  SELECT ${sessions.person}, ${sessions.expiresAt} AS "expiresAt" FROM ${sessions} WHERE ${sessions.id} = ?1`);

/** Returns whether a session is open. Costs one D1 query in ten seconds, and another one for a session that has ended. */
export async function isSessionOpen(reader: Reader, { person, session }: Viewer): Promise<boolean> {
  const open = (await openSessions.get(reader, [session])).get(session);
  return open !== undefined && open.person === person && open.expiresAt > Date.now();
}
