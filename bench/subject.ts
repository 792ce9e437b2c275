/** What is measured: the product as `npm start` runs it, on a folder of its own, and a bare Worker in the same workerd. */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Audit } from "../schema/api/audit.ts";
import type { Post } from "../schema/api/posts.ts";
import { type MediaId, newId, type PostId, shardOf } from "../schema/ids.ts";
import type { Database } from "../scripts/migrations.ts";
import { ROOT } from "../scripts/places.ts";
import { descendantsOf } from "../scripts/processes.ts";
import { type Server, startServer } from "../scripts/server.ts";
import { bundleWorker } from "../scripts/worker-bundle.ts";
import { FROM_THE_FUTURE, tokenOf } from "../tests/histories/requests.ts";
import { answerTo, type Request } from "./client.ts";
import { processorTime } from "./processor-time.ts";
import type { Person } from "./people.ts";

const HOST = "127.0.0.1";
/** The Worker of wrangler.toml, whose actors the bare one calls too. */
const PRODUCT = "shutterline";
const LIMITS = "limits";
const CATCHES_UP_WITHIN = 120_000;
/** The runtime is quiet when it takes less than this share of a processor for so long: longer than a queue waits. */
const QUIET = 0.1;
const QUIET_FOR = 1500; // ms
const QUIET_WITHIN = 20_000;
const CLOSED_AFTER = 11_000; // ms
/** The bare Worker's database stays open while the product is measured, so that it is not closed in between. */
const AWAKE_EVERY = 3000; // ms

// As the product's feed.
const DELIVERIES = `
  CREATE TABLE IF NOT EXISTS deliveries (
    reader TEXT NOT NULL, post TEXT NOT NULL, author TEXT NOT NULL, PRIMARY KEY (reader, post)
  ) WITHOUT ROWID`;

type Options = {
  /** The entry of the Worker, when it is not the product's own. */
  main?: string | undefined;
  /** Variables of the Worker. */
  bindings?: Record<string, string> | undefined;
};

/** A new folder, which goes when the bench ends, however it ends. */
export function newState(): string {
  const folder = mkdtempSync(join(tmpdir(), "shutterline-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, ".shutterline");
}

export class Subject {
  readonly server: Server;
  readonly database: Database;
  /** The port of the bare Worker: bench/workers/limits.ts says what it answers. */
  readonly limits: number;
  /** Of workerd. */
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

  /** Neither of the two has assets, whose router would stand before its socket. */
  static async start(state: string, { main, bindings }: Options = {}): Promise<Subject> {
    const contents = await bundleWorker(join(ROOT, "bench/workers/limits.ts"));
    const server = await startServer({
      state,
      host: HOST,
      port: 0,
      assets: false,
      ...(main !== undefined && { main }),
      ...(bindings && { bindings }),
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
    await (await miniflare.getD1Database("DB", LIMITS)).prepare(DELIVERIES).run();
    const runtime = descendantsOf(process.pid).find(({ command }) => command.includes("workerd"));
    return new Subject(server, await miniflare.getD1Database("DB"), limits, runtime?.pid ?? 0);
  }

  async stop(): Promise<void> {
    clearInterval(this.#awake);
    this.#agent.destroy();
    await this.server.stop();
  }

  /** One request after the other, on a connection of its own. */
  async ask<T>(request: Request): Promise<T> {
    return JSON.parse(await answerTo(request, this.server.port, this.#agent)) as T;
  }

  /** A new post with a picture that counts as inspected. */
  async publish(author: Person): Promise<PostId> {
    const id = newId<MediaId>(shardOf(author.id));
    await this.database
      .prepare(
        `INSERT INTO media (id, owner, state, content_type, bytes, width, height)
         VALUES (?, ?, 'ready', 'image/jpeg', 1000, 1200, 800)`,
      )
      .bind(id, author.id)
      .run();
    const body = { caption: "Low tide", media: [{ id }] };
    const expects = { status: 201 };
    return (await this.ask<Post>({ method: "POST", path: "/v1/posts", headers: author.headers, body, expects })).id;
  }

  /** As the actor itself says. */
  async likesOf(post: PostId): Promise<number> {
    const headers = tokenOf(post, FROM_THE_FUTURE);
    return (await this.ask<Post>({ method: "GET", path: `/v1/posts/${post}`, headers })).likes;
  }

  /** Once nothing follows any more from what was asked. Says so if that takes too long. */
  async quiet(): Promise<void> {
    const gaveUp = performance.now() + QUIET_WITHIN;
    for (;;) {
      const before = processorTime(this.pid);
      await sleep(QUIET_FOR);
      const taken = processorTime(this.pid) - before; // NaN where nobody knows.
      if (!(taken >= QUIET * QUIET_FOR)) return;
      if (performance.now() > gaveUp)
        return console.error("the runtime is still at work; what follows is slower for it");
    }
  }

  /**
   * Once the runtime has closed what nobody uses. It does so ten seconds after the last use, writes what each object has in
   * its log to its file, and does nothing else meanwhile: for seconds, after many writes.
   */
  async closed(): Promise<void> {
    await sleep(CLOSED_AFTER);
    await this.quiet();
  }

  /** The audit once D1 has everything, and how many ms that took. */
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
