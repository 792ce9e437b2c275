/**
 * Builds what the server runs, and writes it to stdout as JSON. It is a process of its own, because wrangler and esbuild
 * would otherwise keep 130 MB of the server's memory for as long as it runs.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import {
  unstable_getMiniflareWorkerOptions as workerOptionsOf,
  unstable_readConfig as readConfig,
  unstable_splitSqlQuery as statementsOf,
} from "wrangler";
import { ROOT } from "../paths.ts";
import { StartError } from "../process/start-error.ts";
import type { Build, BuildOptions, Migration } from "./build.ts";
import { bundleWorker } from "./worker-bundle.ts";

type DatabaseConfig = { binding: string; migrations_dir?: string };

async function build({ config: file, root, main, bundles }: BuildOptions): Promise<Build> {
  const config = readConfig({ config: file });
  const { modulesRules: _, ...worker } = workerOptionsOf(file).workerOptions;
  const script = bundles ? await bundleWorker(main ?? config.main ?? "") : undefined;
  const tools = await bundleWorker(join(ROOT, "scripts/local-server/tools-worker.ts"));
  return {
    name: config.name ?? "worker",
    worker: worker as V4WorkerOptions,
    script,
    tools,
    databases: (config.d1_databases as DatabaseConfig[]).map(({ binding, migrations_dir }) => ({
      binding,
      migrations: migrations_dir === undefined ? [] : migrationsIn(join(root, migrations_dir)),
    })),
    crons: config.triggers.crons ?? [],
  };
}

const migrationsIn = (folder: string): Migration[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => ({ name, statements: statementsOf(readFileSync(join(folder, name), "utf8")) }));

const options = JSON.parse(process.argv[2] ?? "") as BuildOptions;
await build(options)
  .then((built) => process.stdout.write(JSON.stringify(built)))
  .catch((error: unknown) => {
    if (!(error instanceof StartError)) console.error(error); // The parent reports a failed bundle.
    process.exitCode = 1;
  });
