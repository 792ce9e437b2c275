/**
 * A D1 database with read replicas, as the Sessions API offers it, since local D1 has only one copy. The primary and
 * each replica are databases of their own. What the primary commits is appended to a log, and each replica applies the
 * log when the test wants it to.
 */

/** One statement with its parameters. */
type Bound = { sql: string; params: readonly unknown[] };

/** A copy of the database. `applied` is the number of the last commit that it has. */
type Copy = { readonly database: D1Database; applied: number; turn: Promise<unknown> };

/**
 * Chooses what serves a read of a session: the index of a replica, and how many more commits that replica applies first.
 * `lags` holds the number of commits that each replica lacks. Undefined chooses the primary.
 */
type ChooseCopy = (lags: readonly number[]) => { replica: number; commits: number } | undefined;

export class ReplicatedDatabase {
  readonly #primary: Copy;
  readonly #replicas: readonly Copy[];
  /** The statements of each commit. Those that all replicas have applied are gone. */
  readonly #log = new Map<number, readonly Bound[]>();

  /** All databases must be equal to begin with. */
  constructor(primary: D1Database, replicas: readonly D1Database[]) {
    const copyOf = (database: D1Database): Copy => ({ database, applied: 0, turn: Promise.resolve() });
    this.#primary = copyOf(primary);
    this.#replicas = replicas.map(copyOf);
  }

  /** The database that has every commit, for tests that look at the truth. */
  get primary(): D1Database {
    return this.#primary.database;
  }

  /** Returns a binding as one isolate sees it. Sessions read what `choose` picks; `before` runs before each call. */
  binding(choose: ChooseCopy, before = async (): Promise<void> => undefined): D1Database {
    const methods = (session?: Session) => {
      const place: Place = { choose, before, session };
      return {
        prepare: (sql: string) => this.#prepare(place, { sql, params: [] }),
        batch: (statements: Prepared[]) => this.#batch(place, statements.map(boundOf)),
      };
    };
    const binding = {
      ...methods(),
      withSession: (constraint: string = "first-unconstrained") => {
        const session: Session = { constraint, bookmark: isBookmark(constraint) ? constraint : null };
        return { ...methods(session), getBookmark: () => session.bookmark };
      },
    };
    return binding as unknown as D1Database;
  }

  /** Brings every replica up to date. */
  async catchUp(): Promise<void> {
    await Promise.all(
      this.#replicas.map((replica) => inTurn(replica, () => this.#apply(replica, this.#primary.applied))),
    );
  }

  #prepare(place: Place, bound: Bound): Prepared {
    const all = async () => (await this.#batch(place, [bound]))[0];
    return {
      [BOUND]: bound,
      bind: (...params: unknown[]) => this.#prepare(place, { ...bound, params }),
      all,
      run: all,
      first: async () => (await all())?.results[0] ?? null,
      raw: () => this.#at(place, [bound], ([statement]) => statement?.raw() ?? Promise.resolve([])),
    };
  }

  async #batch(place: Place, statements: readonly Bound[]): Promise<D1Result[]> {
    return this.#at(place, statements, (prepared, database) => database.batch(prepared));
  }

  /** Runs statements on the copy that the place leads to, and appends them to the log if they write. */
  async #at<T>(
    { choose, before, session }: Place,
    asked: readonly Bound[],
    run: (prepared: D1PreparedStatement[], database: D1Database) => Promise<T>,
  ): Promise<T> {
    await before();
    const statements = asked.map(atThisTime);
    const atLeast = commitOf(session?.bookmark ?? undefined);
    if (atLeast > this.#primary.applied) throw new Error("D1_ERROR: Invalid bookmark");
    const writes = statements.filter(({ sql }) => WRITES.test(sql));
    const isFree = session !== undefined && session.constraint !== "first-primary" && writes.length === 0;
    const chosen = isFree ? choose(this.#replicas.map(({ applied }) => this.#primary.applied - applied)) : undefined;
    const copy = (chosen && this.#replicas[chosen.replica]) ?? this.#primary;
    return inTurn(copy, async () => {
      if (chosen && copy !== this.#primary) {
        const target = Math.max(copy.applied + chosen.commits, atLeast);
        await this.#apply(copy, Math.min(target, this.#primary.applied));
      }
      const prepared = statements.map(({ sql, params }) => copy.database.prepare(sql).bind(...params));
      const result = await run(prepared, copy.database);
      if (writes.length > 0) {
        copy.applied += 1;
        this.#log.set(copy.applied, writes);
      }
      if (session) session.bookmark = bookmarkOf(copy.applied);
      return result;
    });
  }

  async #apply(replica: Copy, commit: number): Promise<void> {
    const due: D1PreparedStatement[] = [];
    for (let number = replica.applied + 1; number <= commit; number += 1) {
      for (const { sql, params } of this.#log.get(number) ?? []) {
        due.push(replica.database.prepare(sql).bind(...params));
      }
    }
    if (due.length > 0) await replica.database.batch(due);
    replica.applied = Math.max(replica.applied, commit);
    const oldest = Math.min(...this.#replicas.map(({ applied }) => applied));
    for (const number of this.#log.keys()) {
      if (number > oldest) break;
      this.#log.delete(number);
    }
  }
}

/** How a statement was prepared: by the binding, or in a session. */
type Place = { choose: ChooseCopy; before: () => Promise<void>; session: Session | undefined };
type Session = { readonly constraint: string; bookmark: string | null };

const BOUND = Symbol("bound");
type Prepared = { [BOUND]: Bound; [method: string]: unknown };
const boundOf = (statement: Prepared): Bound => statement[BOUND];

const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b/i;

/** Runs a task after the earlier ones of the same copy: a database does one thing at a time. */
function inTurn<T>(copy: Copy, task: () => Promise<T>): Promise<T> {
  const done = copy.turn.then(task);
  copy.turn = done.catch(() => undefined);
  return done;
}

/** Replaces D1's clock by the test's, because a replica that applies a statement later must do the same as the primary. */
function atThisTime({ sql, params }: Bound): Bound {
  const timed = sql.replaceAll("unixepoch('subsec')", String(Date.now() / 1000));
  if (
    /\b(?:random|randomblob|unixepoch|julianday|changes|last_insert_rowid)\(|'now'/i.test(timed) &&
    WRITES.test(sql)
  ) {
    throw new Error(`replicas cannot repeat this statement: ${sql}`);
  }
  return { sql: timed, params };
}

const isBookmark = (constraint: string): boolean => !constraint.startsWith("first-");
const commitOf = (bookmark: string | undefined): number =>
  bookmark === undefined ? 0 : Number.parseInt(bookmark.slice(0, 8), 16);
/** D1's format, whose text order is time order. */
const bookmarkOf = (commit: number): string =>
  `${commit.toString(16).padStart(8, "0")}-00000000-00000000-${"0".repeat(32)}`;
