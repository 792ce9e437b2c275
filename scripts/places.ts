import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const WRANGLER_CONFIG = join(ROOT, "wrangler.toml");

/** Everything that a running Shutterline stores on this machine: `npm start`, `npm run dev` and wrangler share it. */
export const STATE = join(ROOT, ".shutterline");

/** Where `wrangler --persist-to <state>` keeps its data: with the same folder, Miniflare reads and writes the same. */
export const storageOf = (state: string): string => join(state, "v3");
