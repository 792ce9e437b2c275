import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, WRANGLER_CONFIG } from "../../../scripts/paths.ts";

/** Writes a changed copy of wrangler.toml into `folder`. Returns its path. */
export function changedConfig(folder: string, change: (config: string) => string): string {
  const config = readFileSync(WRANGLER_CONFIG, "utf8")
    .replace('main = "workers', `main = "${ROOT}/workers`)
    .replace('directory = "dist', `directory = "${ROOT}/dist`);
  const file = join(folder, "wrangler.toml");
  writeFileSync(file, change(config));
  return file;
}
