/**
 * Who serves a state folder: two servers on one state would each write what the other does not see. The file is also how
 * a start finds what a killed one left behind: SIGKILL of Node leaves its workerd alive, serving old code on the port.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { descendantsOf, end, isAlive, processOf } from "./processes.ts";
import { StartError } from "./start-error.ts";

const Process = z.object({ pid: z.number(), started: z.string(), command: z.string() });

const Running = z.object({
  server: Process,
  /** What must end with the server. */
  children: z.array(Process),
  /** Absent until it answers. */
  address: z.string().optional(),
});
export type Running = z.infer<typeof Running>;

const fileOf = (state: string) => join(state, "running.json");

/** What the folder's last server wrote, alive or not. */
export function runningIn(state: string): Running | undefined {
  try {
    return Running.parse(JSON.parse(readFileSync(fileOf(state), "utf8")));
  } catch {
    return undefined; // None, or one that was killed while it wrote this.
  }
}

/** Refuses while another server is alive on `state`, and ends what a dead one left running. */
export async function settle(state: string): Promise<void> {
  const last = runningIn(state);
  if (!last) return;
  if (isAlive(last.server)) {
    throw new StartError(
      `Shutterline is running already${last.address ? ` at ${last.address}` : ""} (process ${last.server.pid}).\n` +
        `Stop that one first: its state, ${state}, can be served by one at a time.`,
    );
  }
  await end(last.children);
}

/** Makes this process the server of `state`, until it exits. */
export function claim(state: string): void {
  mkdirSync(state, { recursive: true });
  record(state);
  process.on("exit", () => rmSync(fileOf(state), { force: true }));
}

/** Writes down this process with all of its children, and the address once it is known. */
export function record(state: string, address?: string): void {
  const server = processOf(process.pid);
  if (!server) throw new Error("this process is not in the list of processes");
  const running: Running = { server, children: descendantsOf(process.pid), ...(address && { address }) };
  writeFileSync(fileOf(state), JSON.stringify(running, null, 2));
}
