import { DurableObject } from "cloudflare:workers";
import { logWarning } from "../../schema/log.ts";
import { Buckets, type Charge, type Charged, type FullAt } from "../../schema/limits/buckets.ts";

/** More than a network may try in a day, handles included (schema/limits/limits.ts). */
const BUCKETS_MAX = 50_000;
/** In ms. What was charged since is lost if the object's process dies. It stays in memory for longer than this. */
const SAVED_WITHIN = 2000;
const DAY = 24 * 3_600_000;
/** How long a network that has signed in stays known, in ms, and how old this may be before it is written again. */
const KNOWN_FOR = 90 * DAY;
const RENEWED_AFTER = 30 * DAY;
/** The newest networks of one handle. */
const KNOWN_MAX = 50;

type Row = { name: string } & FullAt;

/**
 * What one person, network or browser has left of its limits; or what networks unknown to a handle have left of it. It runs
 * near those it counts, because their first request creates it. Decides in memory, so it is exact however many requests come at once; what it has charged is written together
 * two seconds later. Deletes its own storage once all its buckets are full.
 */
export class Allowance extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql;
  readonly #buckets = new Buckets(BUCKETS_MAX);
  readonly #unsaved = new Set<string>();
  #saving: ReturnType<typeof setTimeout> | undefined;
  #hasAlarm = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    if (!this.#hasTables()) return;
    for (const { name, burst, day } of this.#sql.exec<Row>("SELECT name, burst, day FROM buckets")) {
      this.#buckets.restore(name, { burst, day });
    }
  }

  /**
   * Makes all charges or none; for a network that is known, it makes none and allows them. Costs no write by itself: one row for
   * each bucket charged, at most every two seconds.
   */
  charge(charges: Charge[], unlessKnown?: string): Charged {
    if (unlessKnown !== undefined && this.#knows(unlessKnown)) return { allowed: true, wait: 0, left: [] };
    const charged = this.#buckets.charge(charges, Date.now());
    if (charged.allowed) {
      for (const { name } of charges) this.#unsaved.add(name);
      this.#saveSoon();
    }
    return charged;
  }

  /** Makes a network known for three months. Writes a row at most once a month. */
  async remember(network: string): Promise<void> {
    const now = Date.now();
    this.#createTables();
    const [known] = this.#sql.exec<{ until: number }>("SELECT until FROM known WHERE network = ?", network);
    if (known && known.until > now + KNOWN_FOR - RENEWED_AFTER) return;
    this.#sql.exec("INSERT OR REPLACE INTO known VALUES (?, ?)", network, now + KNOWN_FOR);
    this.#sql.exec(
      "DELETE FROM known WHERE network NOT IN (SELECT network FROM known ORDER BY until DESC LIMIT ?)",
      KNOWN_MAX,
    );
    await this.#requireAlarm(now);
  }

  /** Forgets what is full or out of date; if that is everything, the whole storage. */
  override async alarm(): Promise<void> {
    this.#hasAlarm = false;
    const now = Date.now();
    this.#createTables();
    for (const name of this.#buckets.forgetFull(now)) this.#sql.exec("DELETE FROM buckets WHERE name = ?", name);
    this.#sql.exec("DELETE FROM known WHERE until <= ?", now);
    const { until } = this.#sql.exec<{ until: number }>("SELECT coalesce(max(until), 0) AS until FROM known").one();
    const last = Math.max(this.#buckets.allFullAt, until);
    if (last > now) await this.#setAlarm(last);
    else if (this.#unsaved.size === 0) await this.ctx.storage.deleteAll();
  }

  #saveSoon(): void {
    this.#saving ??= setTimeout(() => {
      this.save().catch((error: unknown) =>
        logWarning("limits not saved, the next charge will", { error: String(error) }),
      );
    }, SAVED_WITHIN);
  }

  /** Writes what has been charged. Called by itself two seconds after a charge. */
  async save(): Promise<void> {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    if (this.#unsaved.size === 0) return;
    this.#createTables();
    for (const name of this.#unsaved) {
      const fullAt = this.#buckets.get(name);
      if (fullAt) this.#sql.exec("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)", name, fullAt.burst, fullAt.day);
      else this.#sql.exec("DELETE FROM buckets WHERE name = ?", name);
    }
    this.#unsaved.clear(); // Only now: what could not be written is written with the next charge.
    await this.#requireAlarm(Date.now());
  }

  async #requireAlarm(now: number): Promise<void> {
    this.#hasAlarm ||= (await this.ctx.storage.getAlarm()) !== null;
    if (!this.#hasAlarm) await this.#setAlarm(now + DAY);
  }

  async #setAlarm(at: number): Promise<void> {
    await this.ctx.storage.setAlarm(at);
    this.#hasAlarm = true;
  }

  #knows(network: string): boolean {
    if (!this.#hasTables()) return false;
    return (
      this.#sql.exec("SELECT 1 FROM known WHERE network = ? AND until > ?", network, Date.now()).toArray().length > 0
    );
  }

  /** A request that charges nothing stores nothing, so the tables are created with the first row. */
  #createTables(): void {
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, burst REAL NOT NULL, day REAL NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS known (network TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID`);
  }

  #hasTables(): boolean {
    return this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'known'").toArray().length > 0;
  }
}
