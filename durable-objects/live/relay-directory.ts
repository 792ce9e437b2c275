import { sql } from "drizzle-orm";
import type { PersonId } from "../../schema/ids.ts";
import type { RelayName } from "../../schema/live/live-relays.ts";
import { databaseOf, refreshShardMap } from "../../schema/d1/shards.ts";
import { bare, excluded, list, textOf } from "../../schema/d1/sql.ts";
import { livePlaces } from "../../schema/tables/people.ts";

const DAY = 24 * 3_600_000;
/** Outlasts any session, and so any socket: a row that is valid when a socket opens need not be renewed. */
const ENTRY_LASTS = 31 * DAY;
const RENEWED_AFTER = DAY;
/** How long, in ms, a row may still be deleted after this relay has reported that it holds no socket of the person. */
const DELETED_WITHIN = 60_000;
/** How many people are remembered in memory. A person who is forgotten costs a query that writes nothing. */
const PEOPLE_MAX = 20_000;

/**
 * Registers in D1 which people have sockets at this relay. Hints for a person reach their sockets only from then on, so
 * each new socket gets one hint right after the registration.
 */
export class RelayDirectory {
  readonly #env: Env;
  readonly #relay: RelayName;
  readonly #startedAt = Date.now();
  /** When each person's row expires, as far as this relay has written it. */
  readonly #until = new Map<PersonId, number>();
  /** When each person was reported to have no socket here. */
  readonly #absentSince = new Map<PersonId, number>();

  constructor(env: Env, relay: RelayName) {
    this.#env = env;
    this.#relay = relay;
  }

  /** Writes or renews the person's row. Costs at most one D1 query and one row written. */
  async register(person: PersonId): Promise<void> {
    const now = Date.now();
    const isEnough = now + ENTRY_LASTS - RENEWED_AFTER;
    const mayBeDeleted = now - (this.#absentSince.get(person) ?? this.#startedAt) < DELETED_WITHIN;
    if (!mayBeDeleted && (this.#until.get(person) ?? 0) >= isEnough) return;
    await refreshShardMap(this.#env);
    await databaseOf(this.#env, person).run(
      REGISTER,
      person,
      this.#relay,
      now + ENTRY_LASTS,
      mayBeDeleted ? Number.MAX_SAFE_INTEGER : isEnough,
    );
    remember(this.#until, person, now + ENTRY_LASTS);
  }

  /** Records that a caller was told that `person` has no socket here; it will delete the row that it has read. */
  markAbsent(person: PersonId): void {
    this.#until.delete(person);
    remember(this.#absentSince, person, Date.now());
  }
}

function remember(times: Map<PersonId, number>, person: PersonId, time: number): void {
  times.delete(person);
  times.set(person, time);
  const [oldest] = times.keys();
  if (times.size > PEOPLE_MAX && oldest !== undefined) times.delete(oldest);
}

// `until` always grows, so that the deletion of an older row, which compares it, cannot delete the new one.
const REGISTER = textOf(sql`
  INSERT INTO ${livePlaces} (${list(livePlaces.person, livePlaces.relay, livePlaces.until)}) VALUES (?1, ?2, ?3)
  ON CONFLICT DO UPDATE SET ${bare(livePlaces.until)} = max(${excluded(livePlaces.until)}, ${livePlaces.until} + 1)
  WHERE ${livePlaces.until} < ?4`);
