import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { V4WorkerOptions } from "miniflare";
import { ROOT } from "../paths.ts";
import { StartError } from "../process/start-error.ts";

export type BuildOptions = {
  /** The wrangler.toml. */
  config: string;
  /** The checkout with the migrations. */
  root: string;
  /** An entry to use instead of the one in `config`. */
  main?: string | undefined;
  /** Whether to bundle the Worker. */
  bundles: boolean;
};

/** A file of migrations, and its statements. */
export type Migration = { name: string; statements: string[] };
export type MigratedDatabase = { binding: string; migrations: Migration[] };

/** What a wrangler.toml describes, ready to run. */
export type Build = {
  name: string;
  worker: V4WorkerOptions;
  /** The bundled Worker, if it was asked for. */
  script?: string | undefined;
  /** The bundled tools-worker.ts. */
  tools: string;
  databases: MigratedDatabase[];
  crons: string[];
};

/** Builds in a process of its own, and throws a `StartError` if that fails, after it has shown why. */
export async function build(options: BuildOptions): Promise<Build> {
  const builder = spawn(
    process.execPath,
    [join(ROOT, "scripts/local-server/build-process.ts"), JSON.stringify(options)],
    { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] },
  );
  const stop = () => builder.kill();
  process.on("exit", stop);
  const [output, [code]] = await Promise.all([text(builder.stdout), once(builder, "exit") as Promise<[number | null]>]);
  process.off("exit", stop);
  if (code !== 0) throw new StartError("The Worker could not be built. See the errors above.");
  return JSON.parse(output) as Build;
}
