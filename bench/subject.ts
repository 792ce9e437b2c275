/** What is measured: the product as `npm start` runs it, on a folder of its own, and a bare Worker in the same workerd. */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Audit } from "../schema/api/audit.ts";
import type { Post } from "../schema/api/posts.ts";
import { type MediaId, newId, type PostId, shardOf } from "../schema/ids.ts";
import { buildClient } from "../scripts/client-build.ts";
import type { Database } from "../scripts/migrations.ts";
import { ROOT } from "../scripts/places.ts";
import { descendantsOf } from "../scripts/processes.ts";
import { type Server, startServer } from "../scripts/server.ts";
import { bundleWorker } from "../scripts/worker-bundle.ts";
import { FROM_THE_FUTURE, tokenOf } from "../tests/histories/requests.ts";
import { answerTo, type Request } from "./client.ts";
import type { Person } from "./people.ts";

const HOST = "127.0.0.1";
/** The Worker of wrangler.toml, whose actors the bare one calls too. */
const PRODUCT = "shutterline";
const CATCHES_UP_WITHIN = 120_000;

/** A new folder, which goes when the bench ends, however it ends. */
export function newState(): string {
  const folder = mkdtempSync(join(tmpdir(), "shutterline-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, ".shutterline");
}

export class Subject {
  readonly server: Server;
  readonly database: Database;
  /** Of the bare Worker, which answers /hello, /read, /insert and /likes. */
  readonly limits: number;
  /** Of workerd. */
  readonly pid: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  private constructor(server: Server, database: Database, limits: number, pid: number) {
    this.server = server;
    this.database = database;
    this.limits = limits;
    this.pid = pid;
  }

  /** `main` is the entry of the Worker, when it is not the product's own. */
  static async start(state: string, main?: string): Promise<Subject> {
    await buildClient();
    const contents = await bundleWorker(join(ROOT, "bench/workers/limits.ts"));
    const server = await startServer({
      state,
      host: HOST,
      port: 0,
      ...(main !== undefined && { main }),
      beside: [
        {
          name: "limits",
          modules: [{ type: "ESModule", path: `${ROOT}/limits.js`, contents }],
          compatibilityDate: "2026-11-01",
          durableObjects: {
            BARE: { className: "Bare", useSQLite: true },
            POSTS: { className: "PostActor", scriptName: PRODUCT },
            LIKE_GATES: { className: "LikeGate", scriptName: PRODUCT },
          },
          unsafeDirectSockets: [{ host: HOST, port: 0 }],
        },
      ],
    });
    const { miniflare } = server;
    const limits = Number((await miniflare.unsafeGetDirectURL("limits")).port);
    const runtime = descendantsOf(process.pid).find(({ command }) => command.includes("workerd"));
    return new Subject(server, await miniflare.getD1Database("DB"), limits, runtime?.pid ?? 0);
  }

  async stop(): Promise<void> {
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
