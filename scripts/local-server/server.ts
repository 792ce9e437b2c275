/** Runs the whole product locally: the bundled Worker of wrangler.toml on Miniflare, with its storage in a folder. */
import { Log, LogLevel, Miniflare, type V4WorkerOptions, convertV4MiniflareOptions } from "miniflare";
import { configOf, ROOT, storageOf } from "../paths.ts";
import { collectGarbage } from "../process/garbage.ts";
import { StartError } from "../process/start-error.ts";
import { build } from "./build.ts";
import { runCrons } from "./crons.ts";
import { migrate } from "./migrations.ts";
import { adminTokenOf, startOverHint, vapidKeyOf } from "./state.ts";
import { type Database, Tools } from "./tools.ts";
import { WorkerLog } from "./worker-log.ts";

/** The contact address that local deployments give to push services. */
const NOBODY = "mailto:nobody@example.org";
/**
 * For each isolate of workerd, of which Miniflare's own are a dozen. By default the young generation of each grows to
 * 16 MB, and V8 keeps that.
 */
const V8_FLAGS = "--max-semi-space-size=2";

export type ServerOptions = {
  state: string;
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Called when workerd has been restarted after a crash, with another process id. */
  onRestart?: () => void;
  /** A file to use instead of wrangler.toml, for example one with more databases. */
  config?: string | undefined;
  /** An entry to use instead of the one in wrangler.toml. */
  main?: string;
  /** A bundled Worker to run instead of bundling an entry. */
  script?: string;
  /** A checkout to run instead of this one, with its own wrangler.toml and migrations. */
  root?: string;
  /** Leaves the web client out, so that the direct socket leads straight to the Worker. */
  assets?: false;
  /** Variables to add to those of wrangler.toml, or to override them. */
  bindings?: Record<string, string>;
  /** Other Workers to run in the same workerd. */
  beside?: readonly V4WorkerOptions[];
};

export type Server = {
  /** Leads straight to the Worker, like a request from Cloudflare's edge. */
  port: number;
  /** The number of migrations applied at the start. */
  migrated: number;
  /** Returns a D1 database by its binding, in the product or in a Worker beside it. */
  database: (binding: string, worker?: string) => Database;
  /**
   * For callers that look behind the API. Many of its methods block Node until workerd has answered, so not while the
   * Worker may log much.
   */
  miniflare: Miniflare;
  stop: () => Promise<void>;
};

/** Starts the server, migrates its databases, and resolves once it is ready. Throws a `StartError` with the reason. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { state, host, port, onRestart, main, script, root = ROOT, assets, bindings, beside = [] } = options;
  const config = options.config ?? configOf(root);
  const built = await build({ config, root, main, bundles: script === undefined });
  const { name, databases, crons } = built;
  const vars = built.worker.bindings as Record<string, string> | undefined;
  const product: V4WorkerOptions = {
    ...built.worker,
    rootPath: root, // Also when the config file lies elsewhere.
    name,
    bindings: {
      ...vars,
      VAPID_SUBJECT: vars?.["VAPID_SUBJECT"] || NOBODY,
      ...bindings,
      VAPID_PRIVATE_KEY: vapidKeyOf(state),
      ADMIN_TOKEN: adminTokenOf(state),
    },
    modules: [{ type: "ESModule", path: `${root}/worker.js`, contents: script ?? built.script ?? "" }],
    unsafeDirectSockets: [{ host, port }],
  };
  if (assets === false) delete product.assets;
  process.env["MINIFLARE_WORKERD_V8_FLAGS"] ??= V8_FLAGS;
  const log = new WorkerLog();
  const tools = new Tools();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [product, ...beside, tools.workerBeside(built.tools, [product, ...beside])],
      // Miniflare's own entrance, which exposes its tools: on this machine only, and on any port.
      host: "127.0.0.1",
      port: 0,
      resourcePersistencePath: storageOf(state),
      cf: false,
      telemetry: { enabled: false },
      logRequests: false,
      log: new Log(LogLevel.ERROR),
      handleStructuredLogs: (line) => log.write(line),
      ...(onRestart && { unsafeHandleRuntimeRestart: onRestart }),
    }),
  );
  try {
    await miniflare.ready;
    tools.connect(miniflare);
    const database = (binding: string, worker = name) => tools.database(binding, worker);
    const migrated = await migrate(databases, database);
    const address = await miniflare.unsafeGetDirectURL();
    log.started();
    collectGarbage(); // 100 MB of the start.
    const stopCrons = runCrons(tools, crons, (failure) => log.write({ level: "error", message: failure }));
    const stop = async () => {
      stopCrons();
      await miniflare.dispose();
    };
    return { port: Number(address.port), migrated, database, miniflare, stop };
  } catch (error) {
    // A server that failed to start rejects its disposal with the same error.
    await miniflare.dispose().catch(() => undefined);
    throw new StartError(
      `The server could not start: ${log.reason ?? String(error)}\nIts data may be damaged. ${startOverHint(state)}`,
    );
  }
}
