/** The folder that holds everything which a Shutterline on this machine stores. */
import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { STATE } from "./places.ts";
import { StartError } from "./start-error.ts";
import { newVapidKey } from "./vapid.ts";

/** Makes sure that `state` is a folder that can be written to. */
export function openState(state: string): void {
  try {
    mkdirSync(state, { recursive: true });
    accessSync(state, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EEXIST" || code === "ENOTDIR" ? "it is not a folder" : message;
    throw new StartError(`The state in ${state} cannot be used: ${reason}.\n${beginAnew(state)}`);
  }
}

export const beginAnew = (state: string): string =>
  `Begin anew with: npm start -- --fresh${state === STATE ? "" : ` --state ${state}`}\n` +
  `That deletes ${state} and all that is in it.`;

/** Deletes all of it. Only ever what carries our name: `--state` may name any folder, and may be mistyped. */
export function discard(state: string): void {
  if (basename(state) !== basename(STATE)) {
    throw new StartError(`--fresh deletes nothing but a folder named ${basename(STATE)}, and ${state} is not.`);
  }
  rmSync(state, { recursive: true, force: true });
}

/** The operator's token of a Shutterline on this machine. */
export const adminTokenOf = (state: string): string =>
  secretOf(state, "admin-token", () => randomBytes(32).toString("base64url"));

/** The key that its pushes are signed with. */
export const vapidKeyOf = (state: string): string => secretOf(state, "vapid-key", newVapidKey);

/** Made once, and readable by who may read the state. */
function secretOf(state: string, name: string, make: () => string): string {
  const file = join(state, name);
  mkdirSync(state, { recursive: true });
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

const markOf = (state: string) => join(state, "seeded.json");
export const isSeeded = (state: string): boolean => existsSync(markOf(state));
/** Written when all of the seed is there, so an interrupted one begins again. */
export const markSeeded = (state: string): void => writeFileSync(markOf(state), JSON.stringify({ at: new Date() }));
