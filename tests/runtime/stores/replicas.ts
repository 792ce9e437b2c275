/**
 * A database with a replica that lags until `catchUp` is called, since local D1 has only one copy. The replica serves
 * sessions unless their bookmark requires something newer.
 */
export class LaggingDatabase {
  readonly #primary: D1Database;
  readonly #replica: D1Database;
  #commits = 0;
  #replicated = 0;
  /** The copy that is nearest to the caller. */
  nearest: "primary" | "replica" = "replica";
  /** The number of calls that each copy has served. */
  readonly served = { primary: 0, replica: 0 };

  constructor(primary: D1Database, replica: D1Database) {
    this.#primary = primary;
    this.#replica = replica;
  }

  /** The binding that a Worker sees. */
  get binding(): D1Database {
    const withSession = (constraint = "first-unconstrained") => this.#session(constraint);
    const batch = (statements: D1PreparedStatement[]) => this.#onPrimary(statements);
    return new Proxy(this.#primary, {
      get: (target, name) => {
        if (name === "withSession") return withSession;
        if (name === "batch") return batch;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  }

  /** Copies TABLES from the primary to the replica. */
  async catchUp(): Promise<void> {
    for (const table of TABLES) {
      const { results } = await this.#primary.prepare(`SELECT * FROM ${table}`).all();
      await this.#replica.prepare(`DELETE FROM ${table}`).run();
      const columns = Object.keys(results[0] ?? {});
      const values = columns.map((column) => `value ->> '${column}'`).join(", ");
      for (let start = 0; start < results.length; start += ROWS_PER_STATEMENT) {
        await this.#replica
          .prepare(`INSERT INTO ${table} (${columns.join(", ")}) SELECT ${values} FROM json_each(?)`)
          .bind(JSON.stringify(results.slice(start, start + ROWS_PER_STATEMENT)))
          .run();
      }
    }
    this.#replicated = this.#commits;
  }

  #session(constraint: string): D1DatabaseSession {
    const isBookmark = constraint.includes("-") && !constraint.startsWith("first-");
    const wanted = isBookmark ? Number.parseInt(constraint.slice(0, 8), 16) : 0;
    if (wanted > this.#commits) throw new Error("D1_ERROR: Invalid bookmark");
    const isNear = constraint !== "first-primary" && wanted <= this.#replicated && this.nearest === "replica";
    let at = isNear ? this.#replicated : this.#commits;
    const session = {
      prepare: (sql: string) => (isNear ? this.#replica : this.#primary).prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        if (!isNear) {
          const results = await this.#onPrimary(statements);
          at = this.#commits;
          return results;
        }
        this.served.replica += 1;
        return this.#replica.batch(statements);
      },
      getBookmark: () => `${at.toString(16).padStart(8, "0")}-00000000-00000000-${"0".repeat(32)}`,
    };
    return session as D1DatabaseSession;
  }

  async #onPrimary(statements: D1PreparedStatement[]): Promise<D1Result[]> {
    this.served.primary += 1;
    const results = await this.#primary.batch(statements);
    if (results.some(({ meta }) => meta.changes > 0)) this.#commits += 1;
    return results;
  }
}

const ROWS_PER_STATEMENT = 500;
/** `people` is last, because triggers on the other tables change its counts. */
const TABLES = [
  "handles",
  "sessions",
  "following",
  "followers",
  "posts",
  "post_stats",
  "comments",
  "feed",
  "likes",
  "people",
];
