/**
 * Finds people's sockets, wherever in the world they are, and tells their relays. All of it are hints, or makes sooner what
 * would happen anyway: a failure is logged and fails nothing.
 */
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import type { PersonId, SessionId } from "../../schema/ids.ts";
import { type RelayName, relayNamed } from "../../schema/live/live-relays.ts";
import { byDatabase } from "../../schema/d1/shards.ts";

/** Of one call, and of one query. */
const PEOPLE_PER_CALL = 1000;

type Place = { person: PersonId; relay: RelayName; until: number };
type Relay = ReturnType<typeof relayNamed>;

/**
 * Tells those of `people` who are connected that there may be something new for them. To be called when it is committed.
 * For each thousand people one D1 query a database, and one call of each relay that holds some of them; one more query a
 * database when a relay does not hold somebody any more.
 */
export async function tellRelays(env: Env, people: readonly PersonId[]): Promise<void> {
  const everybody = [...new Set(people)];
  for (let first = 0; first < everybody.length; first += PEOPLE_PER_CALL) {
    await callRelays(env, everybody.slice(first, first + PEOPLE_PER_CALL), (relay, held) => relay.inboxChanged(held));
  }
}

/** Closes the sockets of a session that has ended; of all sessions of the person when it is undefined. */
export async function endSockets(env: Env, person: PersonId, session?: SessionId): Promise<void> {
  await callRelays(env, [person], async (relay) => {
    await relay.endSessions(person, session);
    return undefined;
  });
}

/** Has the relays look again at what `people` may watch: a block has come or gone between them. */
export async function reviewSockets(env: Env, people: readonly PersonId[]): Promise<void> {
  await callRelays(env, people, async (relay, held) => {
    await relay.review(held);
    return undefined;
  });
}

/** `call` may give back whom the relay does not hold. */
async function callRelays(
  env: Env,
  people: readonly PersonId[],
  call: (relay: Relay, people: PersonId[]) => Promise<PersonId[] | undefined>,
): Promise<void> {
  try {
    const places = await placesOf(env, people);
    const byRelay = Map.groupBy(places, ({ relay }) => relay);
    const left = [...byRelay].map(async ([name, held]) => {
      try {
        const called = call(
          relayNamed(env, name),
          held.map(({ person }) => person),
        );
        const absent = new Set(await within(STORE_ANSWERS_WITHIN, called, name));
        return held.filter(({ person }) => absent.has(person));
      } catch (error) {
        console.warn("relay not told", { name, error: String(error) });
        return [];
      }
    });
    await deletePlaces(env, (await Promise.all(left)).flat());
  } catch (error) {
    console.warn("relays not told", { people: people.length, error: String(error) });
  }
}

async function placesOf(env: Env, people: readonly PersonId[]): Promise<Place[]> {
  const now = Date.now();
  const answers = [...byDatabase(env, people, (id) => id)].map(([database, group]) =>
    within(STORE_ANSWERS_WITHIN, database.prepare(PLACES).bind(JSON.stringify(group), now).all<Place>(), "D1"),
  );
  return (await Promise.all(answers)).flatMap(({ results }) => results);
}

/** Only as they were read: who has come back in the meantime has a newer row. */
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
