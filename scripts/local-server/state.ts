/** The data folder of a local Shutterline. */
import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { STATE } from "../paths.ts";
import { StartError } from "../process/start-error.ts";
import { newVapidKey } from "./vapid.ts";

/** Creates `state` if necessary. Throws a `StartError` if it is not a folder that this process can read and write. */
export function openState(state: string): void {
  try {
    mkdirSync(state, { recursive: true });
    accessSync(state, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EEXIST" || code === "ENOTDIR" ? "it is not a folder" : message;
    throw new StartError(`The data folder ${state} cannot be used: ${reason}.\n${startOverHint(state)}`);
  }
}

/** Tells the person at the terminal how to delete the data and start over. */
export const startOverHint = (state: string): string =>
  `To start over, run: npm start -- --fresh${state === STATE ? "" : ` --state ${state}`}\n` +
  `This deletes ${state} and everything in it.`;

/** Deletes the data folder, but only one with our name: `--state` may name any folder, and may be mistyped. */
export function discard(state: string): void {
  if (basename(state) !== basename(STATE)) {
    throw new StartError(
      `--fresh only deletes a folder named ${basename(STATE)}. Check --state, or delete ${state} yourself.`,
    );
  }
  rmSync(state, { recursive: true, force: true });
}

/** Returns the operator's token of a local deployment. */
export const adminTokenOf = (state: string): string =>
  secretOf(state, "admin-token", () => randomBytes(32).toString("base64url"));

/** Returns the key that signs the pushes of a local deployment. */
export const vapidKeyOf = (state: string): string => secretOf(state, "vapid-key", newVapidKey);

/** Returns a secret of the data folder, which is created on first use. Only its owner can read the file. */
function secretOf(state: string, name: string, make: () => string): string {
  const file = join(state, name);
  mkdirSync(state, { recursive: true });
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

const markOf = (state: string) => join(state, "seeded.json");
export const isSeeded = (state: string): boolean => existsSync(markOf(state));
/** Records that the seed is complete. An interrupted seed has no record, so it runs again. */
export const markSeeded = (state: string): void => writeFileSync(markOf(state), JSON.stringify({ at: new Date() }));
