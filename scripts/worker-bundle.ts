import { build, stop } from "esbuild";
import { StartError } from "./start-error.ts";

/** The Worker whose entry is `main`, an absolute path, as one module: what the runtime brings stays an import. */
export async function bundleWorker(main: string): Promise<string> {
  try {
    const { outputFiles } = await build({
      entryPoints: [main],
      bundle: true,
      write: false,
      format: "esm",
      target: "esnext",
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*", "node:*"],
      logLevel: "error",
    });
    return outputFiles[0]?.text ?? "";
  } catch {
    throw new StartError("The Worker could not be built; the reasons are above.");
  } finally {
    await stop(); // Its process would stay as long as ours.
  }
}
