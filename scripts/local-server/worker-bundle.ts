import { build, type Plugin, stop } from "esbuild";
import { StartError } from "../process/start-error.ts";

/** Bundles the Worker with the entry `main`, an absolute path, into one module. Modules of the runtime stay imports. */
export async function bundleWorker(main: string, plugins: Plugin[] = []): Promise<string> {
  try {
    const { outputFiles } = await build({
      entryPoints: [main],
      bundle: true,
      write: false,
      format: "esm",
      target: "esnext",
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*", "node:*"],
      plugins,
      logLevel: "error",
    });
    return outputFiles[0]?.text ?? "";
  } catch {
    throw new StartError("The Worker could not be built. See the errors above.");
  } finally {
    await stop(); // Otherwise esbuild's process would live as long as ours.
  }
}
