/**
 * What a socket was opened with may have ended since: its session, or that its person has no blocks. That is looked up
 * before something is sent, when it was looked up long ago or somebody has said that it has changed. An idle socket costs
 * nothing, and hears nothing.
 */
import { ACTIVE_BLOCKS, IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import type { PersonId, SessionId } from "../../schema/ids.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import type { Seat } from "./sockets.ts";

/** How long, in ms, the end of a session or a block may go unnoticed when the call that tells of it was lost. */
export const REVIEWED_EVERY = 10_000;
/** Sessions of one query. */
const SESSIONS_MAX = 1000;

type Row = { session: SessionId; isOpen: 0 | 1; hasBlocks: 0 | 1 };
type SignedIn = { seat: Seat; person: PersonId; session: SessionId; doubts: number };

/** Gives back those whose session is over. One D1 query for each database and SESSIONS_MAX sessions that are due. */
export async function reviewed(env: Env, seats: Iterable<Seat>): Promise<Seat[]> {
  const now = Date.now();
  const due = [...seats].flatMap((seat): SignedIn[] => {
    const { person, session } = seat.guest;
    const isFresh = now >= seat.reviewedAt && now < seat.reviewedAt + REVIEWED_EVERY;
    return person && session && !isFresh ? [{ seat, person, session, doubts: seat.doubts }] : [];
  });
  const groups = [...byDatabase(env, due, ({ person }) => person)].flatMap(([database, group]) =>
    Array.from({ length: Math.ceil(group.length / SESSIONS_MAX) }, (_, index) => ({
      database,
      part: group.slice(index * SESSIONS_MAX, (index + 1) * SESSIONS_MAX),
    })),
  );
  const over = groups.map(async ({ database, part }) => {
    const asked = JSON.stringify(part.map(({ person, session }) => [session, person]));
    const results = await within(STORE_ANSWERS_WITHIN, database.all<Row>(REVIEW, asked, now), "D1");
    const rows = new Map(results.map((row) => [row.session, row]));
    return part.flatMap(({ seat, session, doubts }) => {
      const row = rows.get(session);
      if (row?.isOpen !== 1) return [seat];
      if (seat.doubts !== doubts) return [];
      seat.reviewedAt = now;
      seat.hasBlocks = row.hasBlocks === 1;
      return [];
    });
  });
  return (await Promise.all(over)).flat();
}

/** Must be looked up again before anything is sent to it. */
export function doubt(seat: Seat): void {
  seat.doubts += 1;
  seat.reviewedAt = 0;
}

/** Not reviewed, or called into question while it was. */
export const isDoubtful = ({ guest, reviewedAt }: Seat): boolean => guest.person !== undefined && reviewedAt === 0;

const REVIEW = `
  SELECT session, EXISTS (SELECT 1 FROM sessions WHERE sessions.id = session AND expires_at > ?2) AS isOpen,
    EXISTS (SELECT 1 FROM ${ACTIVE_BLOCKS} WHERE blocks.person = asked.person AND ${IS_ACTIVE}) AS hasBlocks
  FROM (SELECT value ->> 0 AS session, value ->> 1 AS person FROM json_each(?1)) AS asked`;
