import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptionsOf, unstable_readConfig as readConfig } from "wrangler";
import { storageOf, WRANGLER_CONFIG } from "../paths.ts";
import { migrate } from "./migrations.ts";

/** Migrates the databases in `state` while no server uses it. Returns the number of migrations applied. */
export async function migrateAlone(state: string): Promise<number> {
  const { d1Databases } = workerOptionsOf(WRANGLER_CONFIG).workerOptions as {
    d1Databases: Record<string, { id: string }>;
  };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [{ modules: [{ type: "ESModule", path: "worker.js", contents: "export default {}" }], d1Databases }],
      resourcePersistencePath: storageOf(state),
      telemetry: { enabled: false },
    }),
  );
  try {
    return await migrate(miniflare, readConfig({ config: WRANGLER_CONFIG }).d1_databases);
  } finally {
    await miniflare.dispose();
  }
}
