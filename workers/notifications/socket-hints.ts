/**
 * Finds the relays that hold people's sockets anywhere in the world, and sends them hints. A hint only speeds up what
 * would happen anyway, so failures are logged and not thrown.
 */
import { sql } from "drizzle-orm";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import type { PersonId, SessionId } from "../../schema/ids.ts";
import { relayNamed } from "../../schema/live/live-relays.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import { rowsOf, textOf } from "../../schema/d1/sql.ts";
import { livePlaces } from "../../schema/tables/people.ts";
import { logWarning } from "../../schema/log.ts";

/** The most people in one call and one query. */
const PEOPLE_PER_CALL = 1000;

const ROWS = rowsOf(livePlaces, ["person", "relay", "until"]);
type Place = typeof ROWS.Row;
type Relay = ReturnType<typeof relayNamed>;

/**
 * Sends a hint to the sockets of `people`: there may be something new in their inbox. Call it after the commit. For
 * each thousand people it costs one D1 query a database, and one call of each relay that holds any of them; one more
 * query a database when a relay no longer holds somebody.
 */
export async function sendHints(env: Env, people: readonly PersonId[]): Promise<void> {
  const unique = [...new Set(people)];
  for (let first = 0; first < unique.length; first += PEOPLE_PER_CALL) {
    await callRelays(env, unique.slice(first, first + PEOPLE_PER_CALL), (relay, held) => relay.inboxChanged(held));
  }
}

/** Closes the sockets of a session that has ended, or of all the person's sessions if `session` is undefined. */
export async function closeSockets(env: Env, person: PersonId, session?: SessionId): Promise<void> {
  await callRelays(env, [person], async (relay) => {
    await relay.endSessions(person, session);
    return undefined;
  });
}

/** Makes the relays check again what the sockets of `people` may watch, because their relation has changed. */
export async function checkSockets(env: Env, people: readonly PersonId[]): Promise<void> {
  await callRelays(env, people, async (relay, held) => {
    await relay.review(held);
    return undefined;
  });
}

/** Calls each relay with those of `people` that it holds. `call` may return people whom the relay no longer holds. */
async function callRelays(
  env: Env,
  people: readonly PersonId[],
  call: (relay: Relay, people: PersonId[]) => Promise<PersonId[] | undefined>,
): Promise<void> {
  try {
    const places = await placesOf(env, people);
    const byRelay = Map.groupBy(places, ({ relay }) => relay);
    const calls = [...byRelay].map(async ([name, held]) => {
      try {
        const called = call(
          relayNamed(env, name),
          held.map(({ person }) => person),
        );
        const absent = new Set(await within(STORE_TIMEOUT, called, name));
        return held.filter(({ person }) => absent.has(person));
      } catch (error) {
        logWarning("relay not notified", { name, error: String(error) });
        return [];
      }
    });
    await deletePlaces(env, (await Promise.all(calls)).flat());
  } catch (error) {
    logWarning("relays not notified", { people: people.length, error: String(error) });
  }
}

async function placesOf(env: Env, people: readonly PersonId[]): Promise<Place[]> {
  const now = Date.now();
  const queries = [...byDatabase(env, people, (id) => id)].map(([database, group]) =>
    database.all<Place>(PLACES, JSON.stringify(group), now),
  );
  return (await Promise.all(queries)).flat();
}

/** Deletes only rows that have not changed since they were read: a person who has come back has a newer row. */
async function deletePlaces(env: Env, places: Place[]): Promise<void> {
  const deletions = [...byDatabase(env, places, ({ person }) => person)].map(([database, group]) =>
    database.run(DELETE, JSON.stringify(group)),
  );
  await Promise.all(deletions);
}

const PLACES = textOf(sql`
  SELECT ${livePlaces.person}, ${livePlaces.relay}, ${livePlaces.until} FROM ${livePlaces}
  WHERE ${livePlaces.person} IN (SELECT value FROM json_each(?1)) AND ${livePlaces.until} > ?2`);
const DELETE = textOf(sql`
  DELETE FROM ${livePlaces} WHERE (${ROWS.columns}) IN (SELECT ${ROWS.values} FROM json_each(?1))`);
