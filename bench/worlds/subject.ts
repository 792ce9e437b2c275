/**
 * The subject of a benchmark: the product as `npm start` runs it, in its own folder, and a bare Worker in the same
 * workerd.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Audit } from "../../schema/api/audit.ts";
import type { Post } from "../../schema/api/posts.ts";
import { type MediaId, newId, type PostId, shardOf } from "../../schema/ids.ts";
import { type Server, startServer } from "../../scripts/local-server/server.ts";
import type { Database } from "../../scripts/local-server/tools.ts";
import { bundleWorker } from "../../scripts/local-server/worker-bundle.ts";
import { ROOT } from "../../scripts/paths.ts";
import { descendantsOf } from "../../scripts/process/processes.ts";
import { FROM_THE_FUTURE, tokenOf } from "../../tests/histories/recording/requests.ts";
import { fetchText, type Request } from "../load/client.ts";
import { processorTime } from "../load/processor-time.ts";
import { type Person, tokenKeyOf } from "./people.ts";
import { publish } from "./requests.ts";

const HOST = "127.0.0.1";
/** The name of the Worker in wrangler.toml, whose actors the bare Worker calls too. */
const PRODUCT = "shutterline";
const LIMITS = "limits";
const CATCHES_UP_WITHIN = 120_000;
/**
 * The runtime is quiet when it uses less than this share of a processor for QUIET_FOR, which is longer than a queue
 * waits.
 */
const QUIET = 0.1;
const QUIET_FOR = 1500; // ms
const QUIET_WITHIN = 20_000;
const CLOSED_AFTER = 11_000; // ms
/** Queries keep the bare Worker's database open, so that the runtime does not close it during a measurement. */
const AWAKE_EVERY = 3000; // ms

// The same columns and key as the product's feed.
const DELIVERIES = `
  CREATE TABLE IF NOT EXISTS deliveries (
    reader TEXT NOT NULL, post TEXT NOT NULL, author TEXT NOT NULL, PRIMARY KEY (reader, post)
  ) WITHOUT ROWID`;

type Options = {
  /** An entry to use instead of the product's own. */
  main?: string | undefined;
  /** Variables to set for the Worker. */
  bindings?: Record<string, string> | undefined;
};

/** Creates a data folder that is deleted when the process exits, for whatever reason. */
export function newState(): string {
  const folder = mkdtempSync(join(tmpdir(), "shutterline-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, ".shutterline");
}

export class Subject {
  readonly server: Server;
  readonly database: Database;
  /** The port of the bare Worker, bench/workers/limits.ts. */
  readonly limits: number;
  /** The process id of workerd. */
  readonly pid: number;
  readonly #awake: NodeJS.Timeout;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  private constructor(server: Server, database: Database, limits: number, pid: number) {
    this.server = server;
    this.database = database;
    this.limits = limits;
    this.pid = pid;
    this.#awake = setInterval(
      () => void fetch(`http://${HOST}:${limits}/query/nobody`).catch(() => undefined),
      AWAKE_EVERY,
    );
  }

  /** Starts both Workers. Neither has assets, so that its socket does not lead through the router of assets. */
  static async start(state: string, { main, bindings }: Options = {}): Promise<Subject> {
    const contents = await bundleWorker(join(ROOT, "bench/workers/limits.ts"));
    const server = await startServer({
      state,
      host: HOST,
      port: 0,
      assets: false,
      ...(main !== undefined && { main }),
      bindings: { LIMITS: "off", ...bindings }, // A few people send as much as many would.
      beside: [
        {
          name: LIMITS,
          modules: [{ type: "ESModule", path: `${ROOT}/limits.js`, contents }],
          compatibilityDate: "2026-11-01",
          d1Databases: { DB: "limits" },
          durableObjects: {
            BARE: { className: "Bare", useSQLite: true, unsafePreventEviction: true },
            POSTS: { className: "PostActor", scriptName: PRODUCT },
            LIKE_GATES: { className: "LikeGate", scriptName: PRODUCT },
          },
          unsafeDirectSockets: [{ host: HOST, port: 0 }],
        },
      ],
    });
    const { miniflare } = server;
    const limits = Number((await miniflare.unsafeGetDirectURL(LIMITS)).port);
    await server.database("DB", LIMITS).prepare(DELIVERIES).run();
    const runtime = descendantsOf(process.pid).find(({ command }) => command.includes("workerd"));
    return new Subject(server, server.database("DB"), limits, runtime?.pid ?? 0);
  }

  async stop(): Promise<void> {
    clearInterval(this.#awake);
    this.#agent.destroy();
    await this.server.stop();
  }

  /** Sends a request on the subject's own connection, and returns the parsed JSON. */
  async ask<T>(request: Request): Promise<T> {
    return JSON.parse(await fetchText(request, this.server.port, this.#agent)) as T;
  }

  /** Publishes a post with a picture that counts as inspected, and returns its id. */
  async publish(author: Person): Promise<PostId> {
    const id = newId<MediaId>(shardOf(author.id));
    await this.database
      .prepare(
        `INSERT INTO media (id, owner, state, content_type, bytes, width, height)
         VALUES (?, ?, 'ready', 'image/jpeg', 1000, 1200, 800)`,
      )
      .bind(id, author.id)
      .run();
    return (await this.ask<Post>(publish({ ...author, media: id }))).id;
  }

  /** Returns the number of likes according to the post's actor. */
  async likesOf(post: PostId): Promise<number> {
    const headers = tokenOf(await tokenKeyOf(this.database), post, FROM_THE_FUTURE);
    return (await this.ask<Post>({ method: "GET", path: `/v1/posts/${post}`, headers })).likes;
  }

  /** Waits until all work that follows from earlier requests is done. Gives up with a warning after 20 s. */
  async quiet(): Promise<void> {
    const gaveUp = performance.now() + QUIET_WITHIN;
    for (;;) {
      const before = processorTime(this.pid);
      await sleep(QUIET_FOR);
      const used = processorTime(this.pid) - before; // NaN where the CPU time is unknown.
      if (!(used >= QUIET * QUIET_FOR)) return;
      if (performance.now() > gaveUp)
        return console.error("warning: the runtime is still busy, so the next results may be too slow");
    }
  }

  /**
   * Waits until the runtime has closed unused objects. It does so ten seconds after their last use, copies each
   * object's write-ahead log to its file, and does nothing else meanwhile. After many writes this takes seconds.
   */
  async closed(): Promise<void> {
    await sleep(CLOSED_AFTER);
    await this.quiet();
  }

  /** Waits until D1 has everything. Returns the audit, and how many ms that took. Gives up after 120 s. */
  async caughtUp(post: PostId): Promise<{ audit: Audit; after: number }> {
    const started = performance.now();
    for (;;) {
      const audit = await this.ask<Audit>({ method: "GET", path: `/v1/posts/${post}/audit` });
      const after = performance.now() - started;
      if (audit.verdict !== "behind" || after > CATCHES_UP_WITHIN) return { audit, after };
      await sleep(50);
    }
  }
}
