/**
 * Session checks. A socket's session may have ended since it was opened, and its viewer may have gained or lost blocks.
 * The relay checks this in D1 before it sends something, if the last check is too old or was invalidated. An idle
 * socket costs nothing and receives nothing.
 */
import { sql } from "drizzle-orm";
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../schema/d1/blocks.ts";
import type { PersonId, SessionId } from "../../schema/ids.ts";
import { isModerator, type Role } from "../../schema/moderation.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import { fieldsOf, textOf } from "../../schema/d1/sql.ts";
import { blocks, people, sessions } from "../../schema/tables/people.ts";
import type { LiveSocket } from "./sockets.ts";

/** How long, in ms, an ended session or a new block can go unnoticed when the call that reports it was lost. */
export const SESSION_CHECK_INTERVAL = 10_000;
/** The most sessions in one query. */
const SESSIONS_MAX = 1000;

type Asked = { session: SessionId; person: PersonId };
type Row = { session: SessionId; isOpen: 0 | 1; hasBlocks: 0 | 1; role: Role | null };
type SignedIn = Asked & { socket: LiveSocket; invalidations: number };

/**
 * Checks the sessions and blocks of the sockets that are due, and returns the sockets whose session is over. Costs one
 * D1 query for each database and SESSIONS_MAX sessions that are due.
 */
export async function checkSessions(env: Env, sockets: Iterable<LiveSocket>): Promise<LiveSocket[]> {
  const now = Date.now();
  const due = [...sockets].flatMap((socket): SignedIn[] => {
    const { person, session } = socket.viewer;
    const isFresh = now >= socket.checkedAt && now < socket.checkedAt + SESSION_CHECK_INTERVAL;
    return person && session && !isFresh ? [{ socket, person, session, invalidations: socket.invalidations }] : [];
  });
  const groups = [...byDatabase(env, due, ({ person }) => person)].flatMap(([database, group]) =>
    Array.from({ length: Math.ceil(group.length / SESSIONS_MAX) }, (_, index) => ({
      database,
      chunk: group.slice(index * SESSIONS_MAX, (index + 1) * SESSIONS_MAX),
    })),
  );
  const over = groups.map(async ({ database, chunk }) => {
    const asked = chunk.map(({ session, person }): Asked => ({ session, person }));
    const found = await database.all<Row>(CHECK, JSON.stringify(asked), now);
    const rows = new Map(found.map((row) => [row.session, row]));
    return chunk.flatMap(({ socket, session, invalidations }) => {
      const row = rows.get(session);
      if (row?.isOpen !== 1) return [socket];
      if (socket.invalidations !== invalidations) return [];
      socket.checkedAt = now;
      socket.hasBlocks = row.hasBlocks === 1;
      socket.isModerator = isModerator(row.role ?? "none");
      return [];
    });
  });
  return (await Promise.all(over)).flat();
}

/** Invalidates the last check, so that a new one comes before anything is sent to the socket. */
export function invalidateCheck(socket: LiveSocket): void {
  socket.invalidations += 1;
  socket.checkedAt = 0;
}

/** Whether a signed-in viewer has no valid session check: none yet, or one that was invalidated, even under way. */
export const isUnchecked = ({ viewer, checkedAt }: LiveSocket): boolean =>
  viewer.person !== undefined && checkedAt === 0;

const asked = fieldsOf<Asked>();
const CHECK = textOf(sql`
  SELECT asked.session AS "session",
    EXISTS (
      SELECT 1 FROM ${sessions} WHERE ${sessions.id} = asked.session AND ${sessions.expiresAt} > ?2) AS "isOpen",
    EXISTS (
      SELECT 1 FROM ${ACTIVE_BLOCKS}
      WHERE ${blocks.person} = asked.person AND ${IS_ACTIVE}) AS "hasBlocks",
    (SELECT ${people.role} FROM ${people} WHERE ${people.id} = asked.person) AS "role"
  FROM (SELECT ${asked("session")} AS session, ${asked("person")} AS person FROM json_each(?1)) AS asked`);
