/** The local server's access to what runs inside workerd: databases and crons. See tools-worker.ts. */
import { randomBytes } from "node:crypto";
import type { Miniflare, V4WorkerOptions } from "miniflare";
import { ROOT } from "../paths.ts";

const NAME = "tools";
const HOST = "127.0.0.1";

type Value = string | number | null;
type Statement = { sql: string; values: Value[] };
type Row = Record<string, unknown>;
/** What the Worker is asked to do. */
export type Job = { cron: string } | { database: string; statements: Statement[] };
export type StatementResult<T = Row> = { results: T[]; meta: { changes: number } };

export class Tools {
  readonly #secret = randomBytes(32).toString("base64url");
  #miniflare: Miniflare | undefined;

  /** Returns the Worker of `script` that has to run beside `workers`, the product first. */
  workerBeside(script: string, workers: readonly V4WorkerOptions[]): V4WorkerOptions {
    const databases = workers.flatMap(({ name, d1Databases }) =>
      Object.entries(d1Databases ?? {}).map(([binding, database]) => [nameOf(binding, name), database]),
    );
    return {
      name: NAME,
      rootPath: ROOT,
      modules: [{ type: "ESModule", path: `${ROOT}/tools.js`, contents: script }],
      compatibilityDate: "2026-11-01",
      compatibilityFlags: ["service_binding_extra_handlers"], // For `scheduled`.
      bindings: { SECRET: this.#secret },
      serviceBindings: { PRODUCT: workers[0]?.name ?? "" },
      d1Databases: Object.fromEntries(databases) as NonNullable<V4WorkerOptions["d1Databases"]>,
      unsafeDirectSockets: [{ host: HOST, port: 0 }],
    };
  }

  /** Must be called before the other methods. */
  connect(miniflare: Miniflare): void {
    this.#miniflare = miniflare;
  }

  /** Returns the database with this binding of the Worker `worker`. */
  database(binding: string, worker: string): Database {
    return new Database((statements) =>
      this.#run<StatementResult[]>({ database: nameOf(binding, worker), statements }),
    );
  }

  /** Runs a cron of the product. Returns its outcome, "ok" or the kind of its failure. */
  runCron(cron: string): Promise<string> {
    return this.#run({ cron });
  }

  async #run<T>(job: Job): Promise<T> {
    // Asked for each time, because a workerd that was restarted after a crash has another port.
    const url = await this.#miniflare?.unsafeGetDirectURL(NAME);
    if (!url) throw new Error("the server is not running");
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: this.#secret },
      body: JSON.stringify(job),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as T;
  }
}

const nameOf = (binding: string, worker = ""): string => `${worker}.${binding}`;

type Run = (statements: Statement[]) => Promise<StatementResult[]>;

/** A D1 database of the running server, with the methods of a D1 binding. */
export class Database {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  prepare(sql: string): Prepared {
    return new Prepared(this.#run, { sql, values: [] });
  }

  /** Runs the statements in one transaction. */
  batch<T = Row>(statements: readonly Prepared[]): Promise<StatementResult<T>[]> {
    return this.#run(statements.map(({ statement }) => statement)) as Promise<StatementResult<T>[]>;
  }
}

class Prepared {
  readonly #run: Run;
  readonly statement: Statement;

  constructor(run: Run, statement: Statement) {
    this.#run = run;
    this.statement = statement;
  }

  bind(...values: Value[]): Prepared {
    return new Prepared(this.#run, { ...this.statement, values });
  }

  async run<T = Row>(): Promise<StatementResult<T>> {
    const [result] = await this.#run([this.statement]);
    return result as StatementResult<T>;
  }

  all<T = Row>(): Promise<StatementResult<T>> {
    return this.run<T>();
  }

  /** Returns the first row, or null. */
  async first<T = Row>(): Promise<T | null> {
    return (await this.run<T>()).results[0] ?? null;
  }
}
