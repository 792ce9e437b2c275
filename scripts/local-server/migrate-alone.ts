import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { ROOT, storageOf, WRANGLER_CONFIG } from "../paths.ts";
import { build } from "./build.ts";
import { migrate } from "./migrations.ts";
import { Tools } from "./tools.ts";

/** Migrates the databases in `state` while no server uses it. Returns the number of migrations applied. */
export async function migrateAlone(state: string): Promise<number> {
  const { worker, tools: script, databases } = await build({ config: WRANGLER_CONFIG, root: ROOT, bundles: false });
  const tools = new Tools();
  const alone = {
    name: "alone",
    rootPath: ROOT,
    modules: [{ type: "ESModule" as const, path: `${ROOT}/worker.js`, contents: "export default {}" }],
    d1Databases: worker.d1Databases ?? {},
  };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [alone, tools.workerBeside(script, [alone])],
      resourcePersistencePath: storageOf(state),
      telemetry: { enabled: false },
    }),
  );
  try {
    await miniflare.ready;
    tools.connect(miniflare);
    return await migrate(databases, (binding) => tools.database(binding, alone.name));
  } finally {
    await miniflare.dispose();
  }
}
