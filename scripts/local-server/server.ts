/** Runs the whole product locally: the bundled Worker of wrangler.toml on Miniflare, with its storage in a folder. */
import { Log, LogLevel, Miniflare, type V4WorkerOptions, convertV4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptionsOf, unstable_readConfig as readConfig } from "wrangler";
import { StartError } from "../process/start-error.ts";
import { runCrons } from "./crons.ts";
import { migrate } from "./migrations.ts";
import { adminTokenOf, startOverHint, vapidKeyOf } from "./state.ts";
import { configOf, ROOT, storageOf } from "../paths.ts";
import { bundleWorker } from "./worker-bundle.ts";
import { WorkerLog } from "./worker-log.ts";

/** The contact address that local deployments give to push services. */
const NOBODY = "mailto:nobody@example.org";

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
  /** For callers that look behind the API. */
  miniflare: Miniflare;
  stop: () => Promise<void>;
};

/** Starts the server, migrates its databases, and resolves once it is ready. Throws a `StartError` with the reason. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { state, host, port, onRestart, main, script, root = ROOT, assets, bindings, beside = [] } = options;
  const file = options.config ?? configOf(root);
  const config = readConfig({ config: file });
  const { modulesRules: _, ...worker } = workerOptionsOf(file).workerOptions;
  if (assets === false) delete worker.assets;
  const log = new WorkerLog();
  const contents = script ?? (await bundleWorker(main ?? config.main ?? ""));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          ...worker,
          rootPath: root, // Also when the config file lies elsewhere.
          name: config.name ?? "worker",
          bindings: {
            ...(worker.bindings as object),
            VAPID_SUBJECT: config.vars["VAPID_SUBJECT"] || NOBODY,
            ...bindings,
            VAPID_PRIVATE_KEY: vapidKeyOf(state),
            ADMIN_TOKEN: adminTokenOf(state),
          },
          modules: [{ type: "ESModule", path: `${root}/worker.js`, contents }],
          unsafeDirectSockets: [{ host, port }],
        },
        ...beside,
      ],
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
    const migrated = await migrate(miniflare, config.d1_databases, root);
    const address = await miniflare.unsafeGetDirectURL();
    log.started();
    const crons = runCrons(miniflare, config.triggers.crons ?? []);
    const stop = async () => {
      crons.stop();
      await miniflare.dispose();
    };
    return { port: Number(address.port), migrated, miniflare, stop };
  } catch (error) {
    // A server that failed to start rejects its disposal with the same error.
    await miniflare.dispose().catch(() => undefined);
    throw new StartError(
      `The server could not start: ${log.reason ?? String(error)}\nIts data may be damaged. ${startOverHint(state)}`,
    );
  }
}
