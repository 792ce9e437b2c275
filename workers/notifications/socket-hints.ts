/**
 * Finds the relays that hold people's sockets anywhere in the world, and sends them hints. A hint only speeds up what
 * would happen anyway, so failures are logged and not thrown.
 */
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import type { PersonId, SessionId } from "../../schema/ids.ts";
import { type RelayName, relayNamed } from "../../schema/live/live-relays.ts";
import { byDatabase } from "../../schema/d1/shards.ts";

/** The most people in one call and one query. */
const PEOPLE_PER_CALL = 1000;

type Place = { person: PersonId; relay: RelayName; until: number };
type Relay = ReturnType<typeof relayNamed>;

/**
 * Sends a hint to the sockets of `people`: there may be something new in their inbox. Call it after the commit. For
 * each thousand people it costs one D1 query a database, and one call of each relay that holds any of them; one more
 * query a database when a relay no longer holds somebody.
 */
export async function tellRelays(env: Env, people: readonly PersonId[]): Promise<void> {
  const unique = [...new Set(people)];
  for (let first = 0; first < unique.length; first += PEOPLE_PER_CALL) {
    await callRelays(env, unique.slice(first, first + PEOPLE_PER_CALL), (relay, held) => relay.inboxChanged(held));
  }
}

/** Closes the sockets of a session that has ended, or of all the person's sessions if `session` is undefined. */
export async function endSockets(env: Env, person: PersonId, session?: SessionId): Promise<void> {
  await callRelays(env, [person], async (relay) => {
    await relay.endSessions(person, session);
    return undefined;
  });
}

/** Makes the relays check again what the sockets of `people` may watch, because their relation has changed. */
export async function reviewSockets(env: Env, people: readonly PersonId[]): Promise<void> {
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
        const absent = new Set(await within(STORE_ANSWERS_WITHIN, called, name));
        return held.filter(({ person }) => absent.has(person));
      } catch (error) {
        console.warn("relay not notified", { name, error: String(error) });
        return [];
      }
    });
    await deletePlaces(env, (await Promise.all(calls)).flat());
  } catch (error) {
    console.warn("relays not notified", { people: people.length, error: String(error) });
  }
}

async function placesOf(env: Env, people: readonly PersonId[]): Promise<Place[]> {
  const now = Date.now();
  const queries = [...byDatabase(env, people, (id) => id)].map(([database, group]) =>
    within(STORE_ANSWERS_WITHIN, database.prepare(PLACES).bind(JSON.stringify(group), now).all<Place>(), "D1"),
  );
  return (await Promise.all(queries)).flatMap(({ results }) => results);
}

/** Deletes only rows that have not changed since they were read: a person who has come back has a newer row. */
async function deletePlaces(env: Env, places: Place[]): Promise<void> {
  const deletions = [...byDatabase(env, places, ({ person }) => person)].map(([database, group]) =>
    within(STORE_ANSWERS_WITHIN, database.prepare(DELETE).bind(JSON.stringify(group)).run(), "D1"),
  );
  await Promise.all(deletions);
}

const PLACES = `
  SELECT person, relay, until FROM live_places WHERE person IN (SELECT value FROM json_each(?1)) AND until > ?2`;
const DELETE = `
  DELETE FROM live_places WHERE (person, relay, until) IN
    (SELECT value ->> 'person', value ->> 'relay', value ->> 'until' FROM json_each(?1))`;
