import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../paths.ts";
import { StartError } from "../process/start-error.ts";

const SOURCES = ["web", "schema", "package-lock.json"];
const OUTPUT = "dist/client";
// Lies beside the client's folder: a file inside it would be served.
const STAMP = join(ROOT, "dist/client.stamp");

/** The arguments with which Node runs vite to build the client. */
export const vite = (...options: string[]): string[] => [
  join(ROOT, "node_modules/vite/bin/vite.js"),
  "build",
  "--config",
  join(ROOT, "web/vite.config.ts"),
  ...options,
];

/**
 * Builds the web client, unless neither its sources nor its output have changed since the last build. Returns whether
 * it was built.
 */
export async function buildClient(): Promise<boolean> {
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === fingerprint()) return false;
  const builder = spawn(process.execPath, vite("--logLevel", "error"), {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, NODE_ENV: "production" }, // A test runner's NODE_ENV would build another, larger client.
  });
  const stopped = () => builder.kill();
  process.on("exit", stopped);
  const code = await new Promise((resolve, reject) => builder.on("exit", resolve).on("error", reject));
  process.off("exit", stopped);
  if (code !== 0) throw new StartError("The web client could not be built. See the errors above.");
  writeFileSync(STAMP, fingerprint());
  return true;
}

// Hashes contents, not modification times: a checkout gives every file a new time.
function fingerprint(): string {
  const hash = createHash("sha256");
  for (const path of [...SOURCES, OUTPUT].flatMap(filesOf)) {
    const content = readFileSync(join(ROOT, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** Lists the file itself, or all files in a folder, always in the same order. */
function filesOf(path: string): string[] {
  const status = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (!status) return [];
  if (!status.isDirectory()) return [path];
  return readdirSync(join(ROOT, path))
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}
