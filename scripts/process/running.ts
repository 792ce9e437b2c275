/**
 * Records in a data folder which server uses it. Two servers on one folder would not see each other's writes. A start
 * also finds here what a killed server left behind: SIGKILL of Node leaves its workerd alive, serving old code on the
 * port.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { descendantsOf, findProcess, isAlive, killAll } from "./processes.ts";
import { StartError } from "./start-error.ts";

const Process = z.object({ pid: z.number(), started: z.string(), command: z.string() });

const Running = z.object({
  server: Process,
  /** The processes that must end with the server. */
  children: z.array(Process),
  /** Absent until the server accepts requests. */
  address: z.string().optional(),
});
export type Running = z.infer<typeof Running>;

const fileOf = (state: string) => join(state, "running.json");

/** Returns the record of the folder's last server, which may have ended. */
export function readServerRecord(state: string): Running | undefined {
  try {
    return Running.parse(JSON.parse(readFileSync(fileOf(state), "utf8")));
  } catch {
    return undefined; // There is no file, or its server was killed while writing it.
  }
}

/** Throws a `StartError` if another server is using `state`, and kills the processes that a dead server left behind. */
export async function takeOver(state: string): Promise<void> {
  const last = readServerRecord(state);
  if (!last) return;
  if (isAlive(last.server)) {
    throw new StartError(
      `Shutterline is already running${last.address ? ` at ${last.address}` : ""} (process ${last.server.pid}).\n` +
        `Stop it first, or choose another data folder with --state: only one server at a time can use ${state}.`,
    );
  }
  await killAll(last.children);
}

/** Records this process as the server of `state`, until it exits. */
export function claim(state: string): void {
  mkdirSync(state, { recursive: true });
  record(state);
  process.on("exit", () => rmSync(fileOf(state), { force: true }));
}

/** Writes the record of this process: its descendants, and its address once it is known. */
export function record(state: string, address?: string): void {
  const server = findProcess(process.pid);
  if (!server) throw new Error("this process is not in the list of processes");
  const running: Running = { server, children: descendantsOf(process.pid), ...(address && { address }) };
  writeFileSync(fileOf(state), JSON.stringify(running, null, 2));
}
