/** The whole product on this machine: the Worker of wrangler.toml, bundled, on Miniflare, with its storage in a folder. */
import { Log, LogLevel, Miniflare, type V4WorkerOptions, convertV4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptionsOf, unstable_readConfig as readConfig } from "wrangler";
import { runCrons } from "./crons.ts";
import { migrate } from "./migrations.ts";
import { StartError } from "./start-error.ts";
import { adminTokenOf, beginAnew, vapidKeyOf } from "./state.ts";
import { ROOT, storageOf, WRANGLER_CONFIG } from "./places.ts";
import { bundleWorker } from "./worker-bundle.ts";
import { WorkerLog } from "./worker-log.ts";

/** Whom a push service may write to about what is tried out here. */
const NOBODY = "mailto:nobody@example.org";

export type ServerOptions = {
  state: string;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Called when workerd was started again after a crash, with another process id. */
  onRestart?: () => void;
  /** Another file than wrangler.toml: more databases. */
  config?: string | undefined;
  /** Another entry than that of wrangler.toml. */
  main?: string;
  /** Without the web client: then nothing stands between the direct socket and the Worker. */
  assets?: false;
  /** Variables beside or in place of those of wrangler.toml. */
  bindings?: Record<string, string>;
  /** Other Workers that run in the same workerd. */
  beside?: readonly V4WorkerOptions[];
};

export type Server = {
  /** Straight to the Worker, as a request from Cloudflare's edge would come. */
  port: number;
  migrated: number;
  /** For what looks behind the API. */
  miniflare: Miniflare;
  stop: () => Promise<void>;
};

/** Starts it, migrates, and resolves once it answers. Throws a `StartError` with the runtime's own reason. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { state, host, port, onRestart, config: file = WRANGLER_CONFIG, main, assets, bindings, beside = [] } = options;
  const config = readConfig({ config: file });
  const { modulesRules: _, ...worker } = workerOptionsOf(file).workerOptions;
  if (assets === false) delete worker.assets;
  const log = new WorkerLog();
  const contents = await bundleWorker(main ?? config.main ?? "");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          ...worker,
          rootPath: ROOT, // Wherever the file is.
          name: config.name ?? "worker",
          bindings: {
            ...(worker.bindings as object),
            VAPID_SUBJECT: config.vars["VAPID_SUBJECT"] || NOBODY,
            ...bindings,
            VAPID_PRIVATE_KEY: vapidKeyOf(state),
            ADMIN_TOKEN: adminTokenOf(state),
          },
          modules: [{ type: "ESModule", path: `${ROOT}/worker.js`, contents }],
          unsafeDirectSockets: [{ host, port }],
        },
        ...beside,
      ],
      // Miniflare's own door, with its tools behind it: never for users, so on this machine only and on any port.
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
    const migrated = await migrate(miniflare, config.d1_databases);
    const address = await miniflare.unsafeGetDirectURL();
    log.started();
    const crons = runCrons(miniflare, config.triggers.crons ?? []);
    const stop = async () => {
      crons.stop();
      await miniflare.dispose();
    };
    return { port: Number(address.port), migrated, miniflare, stop };
  } catch (error) {
    // What did not start cannot be stopped either, and says so with the same error again.
    await miniflare.dispose().catch(() => undefined);
    throw new StartError(
      `The server could not be started: ${log.reason ?? String(error)}\nIts state may be damaged. ${beginAnew(state)}`,
    );
  }
}
