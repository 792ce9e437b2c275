import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import type { PersonId } from "../../schema/ids.ts";
import type { RelayName } from "../../schema/live/live-relays.ts";
import { databaseOf, renewShards } from "../../schema/d1/shards.ts";

const DAY = 24 * 3_600_000;
/** Longer than a session lasts, and so any socket: a row that is there when a socket opens need not be written again. */
export const PLACE_LASTS = 31 * DAY;
const RENEWED_AFTER = DAY;
/** How long after this relay has said that it does not hold somebody their row may still be deleted. */
const DELETED_WITHIN = 60_000; // ms
/** People of whom it is remembered. Who is forgotten costs a query that writes nothing. */
const PEOPLE_MAX = 20_000;

/**
 * Notes in D1 that this relay holds sockets of people. What is told to a person reaches their sockets from the moment on
 * that this is done, so they are told to look for themselves right after it.
 */
export class LivePlaces {
  readonly #env: Env;
  readonly #relay: RelayName;
  readonly #startedAt = Date.now();
  /** When the row of each ends, as far as this relay has written it. */
  readonly #until = new Map<PersonId, number>();
  /** When it was said that they are not held here. */
  readonly #left = new Map<PersonId, number>();

  constructor(env: Env, relay: RelayName) {
    this.#env = env;
    this.#relay = relay;
  }

  /** At most one D1 query, and one row written. */
  async note(person: PersonId): Promise<void> {
    const now = Date.now();
    const isEnough = now + PLACE_LASTS - RENEWED_AFTER;
    const mayBeDeleted = now - (this.#left.get(person) ?? this.#startedAt) < DELETED_WITHIN;
    if (!mayBeDeleted && (this.#until.get(person) ?? 0) >= isEnough) return;
    await renewShards(this.#env);
    const written = databaseOf(this.#env, person).run(
      NOTE,
      person,
      this.#relay,
      now + PLACE_LASTS,
      mayBeDeleted ? Number.MAX_SAFE_INTEGER : isEnough,
    );
    await within(STORE_ANSWERS_WITHIN, written, "D1");
    remember(this.#until, person, now + PLACE_LASTS);
  }

  /** Somebody was told that `person` has no socket here, and will delete the row that they have seen. */
  leave(person: PersonId): void {
    this.#until.delete(person);
    remember(this.#left, person, Date.now());
  }
}

function remember(times: Map<PersonId, number>, person: PersonId, time: number): void {
  times.delete(person);
  times.set(person, time);
  const [oldest] = times.keys();
  if (times.size > PEOPLE_MAX && oldest !== undefined) times.delete(oldest);
}

// Never the same `until` twice: who deletes an older row must not delete this one.
const NOTE = `
  INSERT INTO live_places (person, relay, until) VALUES (?1, ?2, ?3)
  ON CONFLICT DO UPDATE SET until = max(excluded.until, until + 1) WHERE until < ?4`;
