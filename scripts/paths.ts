import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Returns the wrangler.toml of a checkout. */
export const configOf = (root: string): string => join(root, "wrangler.toml");
export const WRANGLER_CONFIG = configOf(ROOT);

/** The default data folder, shared by `npm start`, `npm run dev` and wrangler. */
export const STATE = join(ROOT, ".shutterline");

/** The folder in which `wrangler --persist-to <state>` keeps its data, so that Miniflare uses the same files. */
export const storageOf = (state: string): string => join(state, "v3");
